package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"
)

// Handlers are what a server can be asked for. Each is safe for concurrent use,
// and its error is told to the caller. One that is nil does not exist.
type Handlers struct {
	Status  func(context.Context, StatusRequest) (Status, error)
	Dump    func(context.Context, DumpRequest) (iter.Seq[Record], error)
	Lookup  func(context.Context, LookupRequest) (Known, error)
	Flush   func(context.Context, FlushRequest) (Flushed, error)
	Explain func(context.Context, ExplainRequest) (Explanation, error)

	Anchors        func(context.Context, AnchorsRequest) (Anchors, error)
	AddNegative    func(context.Context, AddNegativeRequest) (NegativeAnchor, error)
	RemoveNegative func(context.Context, RemoveNegativeRequest) (RemovedNegative, error)

	Health    func(context.Context, HealthRequest) (Health, error)
	SetHealth func(context.Context, SetHealthRequest) (Health, error)

	ZoneStatus func(context.Context, ZoneStatusRequest) (ZoneStatus, error)
	SyncZone   func(context.Context, SyncZoneRequest) (ZoneStatus, error)

	Lifeline    func(context.Context, LifelineRequest) (Lifeline, error)
	SetLifeline func(context.Context, SetLifelineRequest) (Lifeline, error)

	Overrides      func(context.Context, OverridesRequest) (Overrides, error)
	AddOverride    func(context.Context, AddOverrideRequest) (Overrides, error)
	RemoveOverride func(context.Context, RemoveOverrideRequest) (Overrides, error)
	SwitchOverride func(context.Context, SwitchOverrideRequest) (Overrides, error)

	Geo         func(context.Context, GeoRequest) (Geo, error)
	RollbackGeo func(context.Context, RollbackGeoRequest) (Geo, error)

	Drill func(context.Context, DrillRequest) (Drill, error)
}

// Paths of the calls.
const (
	pathStatus  = "/v1/status"
	pathDump    = "/v1/cache/dump"
	pathLookup  = "/v1/cache/lookup"
	pathFlush   = "/v1/cache/flush"
	pathExplain = "/v1/explain"

	pathAnchors        = "/v1/anchors"
	pathAddNegative    = "/v1/anchors/negative/add"
	pathRemoveNegative = "/v1/anchors/negative/remove"

	pathHealth    = "/v1/health"
	pathSetHealth = "/v1/health/set"

	pathZoneStatus = "/v1/zone/status"
	pathSyncZone   = "/v1/zone/sync"

	pathLifeline    = "/v1/lifeline"
	pathSetLifeline = "/v1/lifeline/set"

	pathOverrides      = "/v1/overrides"
	pathAddOverride    = "/v1/overrides/add"
	pathRemoveOverride = "/v1/overrides/remove"
	pathSwitchOverride = "/v1/overrides/switch"

	pathGeo         = "/v1/geo"
	pathRollbackGeo = "/v1/geo/rollback"

	pathDrill = "/v1/drill"
)

func (h Handlers) routes() http.Handler {
	mux := http.NewServeMux()
	serve(mux, pathStatus, h.Status)
	serve(mux, pathLookup, h.Lookup)
	serve(mux, pathFlush, h.Flush)
	serve(mux, pathExplain, h.Explain)
	serve(mux, pathAnchors, h.Anchors)
	serve(mux, pathAddNegative, h.AddNegative)
	serve(mux, pathRemoveNegative, h.RemoveNegative)
	serve(mux, pathHealth, h.Health)
	serve(mux, pathSetHealth, h.SetHealth)

	serve(mux, pathZoneStatus, h.ZoneStatus)
	serve(mux, pathSyncZone, h.SyncZone)

	serve(mux, pathLifeline, h.Lifeline)
	serve(mux, pathSetLifeline, h.SetLifeline)

	serve(mux, pathOverrides, h.Overrides)
	serve(mux, pathAddOverride, h.AddOverride)
	serve(mux, pathRemoveOverride, h.RemoveOverride)
	serve(mux, pathSwitchOverride, h.SwitchOverride)

	serve(mux, pathGeo, h.Geo)
	serve(mux, pathRollbackGeo, h.RollbackGeo)
	serve(mux, pathDrill, h.Drill)
	stream(mux, pathDump, h.Dump)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, fmt.Errorf("this server has no %s %s", r.Method, r.URL.Path))
	})
	return bounded(mux)
}

// bounded keeps the number of calls at work at once, and the size of each, within
// bounds, and tells a caller of a panic rather than ending its connection.
func bounded(next http.Handler) http.Handler {
	places := make(chan struct{}, maxCalls)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			fail(w, http.StatusServiceUnavailable, errors.New("too many calls at once"))
			return
		}
		defer func() {
			if cause := recover(); cause != nil {
				fail(w, http.StatusInternalServerError, fmt.Errorf("panic: %v", cause))
			}
		}()
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		next.ServeHTTP(w, r)
	})
}

// handle answers calls at path with what tell makes of what do returns.
func handle[Request, Reply any](mux *http.ServeMux, path string, do func(context.Context, Request) (Reply, error), tell func(http.ResponseWriter, Reply)) {
	if do == nil {
		return
	}
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		request, err := read[Request](r)
		if err != nil {
			fail(w, http.StatusBadRequest, err)
			return
		}
		reply, err := do(r.Context(), request)
		if err != nil {
			fail(w, http.StatusUnprocessableEntity, err)
			return
		}
		tell(w, reply)
	})
}

// serve answers calls at path with what do returns.
func serve[Request, Reply any](mux *http.ServeMux, path string, do func(context.Context, Request) (Reply, error)) {
	handle(mux, path, do, func(w http.ResponseWriter, reply Reply) {
		deadline(w)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(reply) // fails when the caller is gone
	})
}

// stream answers calls at path with what do yields, an object a line.
func stream[Request, Item any](mux *http.ServeMux, path string, do func(context.Context, Request) (iter.Seq[Item], error)) {
	handle(mux, path, do, func(w http.ResponseWriter, items iter.Seq[Item]) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		out, n := json.NewEncoder(w), 0
		for item := range items {
			if n++; n%100 == 1 {
				deadline(w)
			}
			if out.Encode(item) != nil {
				return // the caller is gone
			}
		}
	})
}

// deadline gives the caller some time to take what comes.
func deadline(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime))
}

// read is the request in the body; an empty body is an empty object.
func read[Request any](r *http.Request) (request Request, err error) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err = d.Decode(&request); errors.Is(err, io.EOF) {
		err = nil
	}
	if err != nil {
		return request, fmt.Errorf("request: %w", err)
	}
	if d.More() {
		return request, errors.New("request: more than one object")
	}
	return request, nil
}

// problem is the reply to a call that was not done.
type problem struct {
	Error string `json:"error"`
}

func fail(w http.ResponseWriter, status int, err error) {
	deadline(w)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{err.Error()}) // fails when the caller is gone
}

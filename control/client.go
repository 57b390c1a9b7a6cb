package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net"
	"net/http"
	"syscall"
	"time"
)

// ErrNoServer says that nobody listens on the socket.
var ErrNoServer = errors.New("no server is running there")

// Client calls a Server. It is safe for concurrent use.
type Client struct {
	socket string
	http   *http.Client
}

// NewClient makes a Client for the server at a socket. It connects when it is used.
func NewClient(socket string) *Client {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	return &Client{socket: socket, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		},
		DisableKeepAlives: true, // a command makes one call
	}}}
}

// Status asks how the server is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return call[Status](ctx, c, pathStatus, StatusRequest{})
}

// Lookup asks what the server knows at a name.
func (c *Client) Lookup(ctx context.Context, r LookupRequest) (Known, error) {
	return call[Known](ctx, c, pathLookup, r)
}

// Flush has the server forget things.
func (c *Client) Flush(ctx context.Context, r FlushRequest) (Flushed, error) {
	return call[Flushed](ctx, c, pathFlush, r)
}

// Explain has the server resolve a query and tell how.
func (c *Client) Explain(ctx context.Context, r ExplainRequest) (Explanation, error) {
	return call[Explanation](ctx, c, pathExplain, r)
}

// Anchors asks for the trust anchors, positive and negative.
func (c *Client) Anchors(ctx context.Context) (Anchors, error) {
	return call[Anchors](ctx, c, pathAnchors, AnchorsRequest{})
}

// AddNegative puts a negative anchor in force.
func (c *Client) AddNegative(ctx context.Context, r AddNegativeRequest) (NegativeAnchor, error) {
	return call[NegativeAnchor](ctx, c, pathAddNegative, r)
}

// RemoveNegative takes a negative anchor away.
func (c *Client) RemoveNegative(ctx context.Context, r RemoveNegativeRequest) (RemovedNegative, error) {
	return call[RemovedNegative](ctx, c, pathRemoveNegative, r)
}

// Health asks how the sites are.
func (c *Client) Health(ctx context.Context, r HealthRequest) (Health, error) {
	return call[Health](ctx, c, pathHealth, r)
}

// SetHealth has a site be something, whatever its checks say.
func (c *Client) SetHealth(ctx context.Context, r SetHealthRequest) (Health, error) {
	return call[Health](ctx, c, pathSetHealth, r)
}

// ZoneStatus asks how a zone is that clients update.
func (c *Client) ZoneStatus(ctx context.Context, r ZoneStatusRequest) (ZoneStatus, error) {
	return call[ZoneStatus](ctx, c, pathZoneStatus, r)
}

// SyncZone has a zone be written into its master file.
func (c *Client) SyncZone(ctx context.Context, r SyncZoneRequest) (ZoneStatus, error) {
	return call[ZoneStatus](ctx, c, pathSyncZone, r)
}

// Lifeline asks how protected zones are.
func (c *Client) Lifeline(ctx context.Context, r LifelineRequest) (Lifeline, error) {
	return call[Lifeline](ctx, c, pathLifeline, r)
}

// SetLifeline tells an operator's will about a protected zone.
func (c *Client) SetLifeline(ctx context.Context, r SetLifelineRequest) (Lifeline, error) {
	return call[Lifeline](ctx, c, pathSetLifeline, r)
}

// Overrides asks which overrides there are.
func (c *Client) Overrides(ctx context.Context) (Overrides, error) {
	return call[Overrides](ctx, c, pathOverrides, OverridesRequest{})
}

// AddOverride puts an override in force, and brings those of its zone.
func (c *Client) AddOverride(ctx context.Context, r AddOverrideRequest) (Overrides, error) {
	return call[Overrides](ctx, c, pathAddOverride, r)
}

// RemoveOverride takes away what was added, and brings what is left for the zone.
func (c *Client) RemoveOverride(ctx context.Context, r RemoveOverrideRequest) (Overrides, error) {
	return call[Overrides](ctx, c, pathRemoveOverride, r)
}

// SwitchOverride switches manual overrides, and brings those of the zone.
func (c *Client) SwitchOverride(ctx context.Context, r SwitchOverrideRequest) (Overrides, error) {
	return call[Overrides](ctx, c, pathSwitchOverride, r)
}

// Geo asks what is known of places.
func (c *Client) Geo(ctx context.Context) (Geo, error) {
	return call[Geo](ctx, c, pathGeo, GeoRequest{})
}

// RollbackGeo has the places before the present ones be used again.
func (c *Client) RollbackGeo(ctx context.Context) (Geo, error) {
	return call[Geo](ctx, c, pathRollbackGeo, RollbackGeoRequest{})
}

// Drill has the server find out what clients would hear if a zone's parent was in trouble.
// It takes some seconds.
func (c *Client) Drill(ctx context.Context, r DrillRequest) (Drill, error) {
	return call[Drill](ctx, c, pathDrill, r)
}

// Dump yields what the server remembers. An error is the last that it yields.
func (c *Client) Dump(ctx context.Context, r DumpRequest) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		body, err := c.post(ctx, pathDump, r)
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer body.Close()
		for d := json.NewDecoder(body); ; {
			var item struct {
				Record
				problem
			}
			err := d.Decode(&item)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				err = fmt.Errorf("%s: the dump ends early: %w", c.socket, err)
			case item.Error != "":
				err = fmt.Errorf("%s: the dump ends early: %s", c.socket, item.Error)
			}
			if !yield(item.Record, err) || err != nil {
				return
			}
		}
	}
}

func call[Reply any](ctx context.Context, c *Client, path string, request any) (reply Reply, err error) {
	body, err := c.post(ctx, path, request)
	if err != nil {
		return reply, err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(&reply); err != nil {
		return reply, fmt.Errorf("%s: %w", c.socket, err)
	}
	return reply, nil
}

// post makes a call. Its caller closes the body.
func (c *Client) post(ctx context.Context, path string, request any) (io.ReadCloser, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://sextant"+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer response.Body.Close()
	var p problem
	if err := json.NewDecoder(io.LimitReader(response.Body, maxRequest)).Decode(&p); err != nil || p.Error == "" {
		p.Error = response.Status
	}
	return nil, fmt.Errorf("%s: %s", c.socket, p.Error)
}

// unreachable says of a connection that could not be made what to think of it.
func (c *Client) unreachable(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		err = e
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s: %w", c.socket, ErrNoServer)
	}
	return err
}

package probe

import "context"

// Wait is what every query does first.
func (c *Client) Wait(ctx context.Context) error { return c.wait(ctx) }

package share

import "hearth/pool/job"

// Worth is the difficulty at which shares of a job are credited, exactly: Work
// counts no less than 1/1024.
func (c *Channel) Worth(id uint32) job.Difficulty { return c.find(id).d }

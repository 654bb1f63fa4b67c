package openai

// Routes lists what is served, as "METHOD /path".
func Routes() []string {
	var all []string
	for _, r := range (*Server)(nil).routes() {
		all = append(all, r.method+" "+r.path)
	}
	return all
}

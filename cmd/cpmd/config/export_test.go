package config

// Known returns every key that is read in the file at path, with its default as TOML or "required".
func Known(path string) map[string]string {
	_, s := load(path)
	return s.known
}

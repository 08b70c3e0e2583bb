package journal

// Migrations are the schema's steps, for tests of earlier versions.
func Migrations() []string { return migrations() }

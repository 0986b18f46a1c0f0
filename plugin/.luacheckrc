std = "luajit"
self = false
unused_args = false
max_line_length = 150
read_globals = { "G_reader_settings" }
ignore = { "213/_.*" } -- loop variables nobody wants; "_" itself is gettext here
exclude_files = { "**/l10n/**" }

-- The plugin's version, as the server compares it with its min_plugin.
return "0.1.0"

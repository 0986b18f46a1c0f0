-- What this copy of the plugin was made for. A zip from the server's web page has its address and key here.
return {}

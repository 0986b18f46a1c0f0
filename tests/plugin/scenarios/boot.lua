-- Only the file browser.
local C = require("common")
return { pre = C.pre, run = function(H) H.run(5); H.settle(10); H.run(2); H.settle(10) end }

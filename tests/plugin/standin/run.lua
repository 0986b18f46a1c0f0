-- luajit run.lua PLUGIN_DIR HOME SCENARIO.lua [SERVER_URL]: plays a scenario (a Lua file that returns function(S)) on the
-- stand-in; what happens is written as JSON lines. HOME is kept, so a second run is a second boot of the same device.
local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/?.lua;" .. package.path
local S = require("modules")
S.home, S.server_url = arg[2], arg[4]
require("life")
local K = require("kernel")
K.asleep = tonumber(arg[5]) or 0 -- how far earlier runs on this HOME went ahead of the real time
local scenario = assert(loadfile(arg[3]))()
if type(scenario) == "table" then
    if scenario.before then scenario.before(S) end
end
if arg[6] and arg[6] ~= "" then dofile(arg[6]) end
local ok, err = xpcall(function()
    S.boot(arg[1])
    S.run(1)
    local play = type(scenario) == "table" and scenario.run or scenario
    play(S)
end, debug.traceback)
if not ok then S.log{ type = "lua_error", where = "scenario", error = tostring(err), fatal = true } end
S.log{ type = "end", busy_ms = S.longest_busy(), standby = S.standby, children = K.childrenAlive(), clock = K.clock_offset + K.asleep }
os.exit(ok and 0 or 1)

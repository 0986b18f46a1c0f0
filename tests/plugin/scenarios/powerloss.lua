-- Four pages, then the power goes: no event, no flush.
local C = require("common")
return { pre = C.pre, run = function(H)
    H.world.connected, H.world.can_connect = false, false
    H.open(C.book(H)); H.run(3); H.turn(4, 30)
    os.execute("kill -9 $PPID")
end }

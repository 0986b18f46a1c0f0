-- One sitting, then long enough in the file browser for years of history to be sent.
local C = require("common")
return { pre = C.pre, run = function(H)
    H.open(C.book(H)); H.run(3); H.turn(2, 30); H.close_book(); H.run(5)
    local chronicle = require("tomesync/chronicle")
    for _ = 1, 100 do
        H.settle(10); H.run(3)
        if not chronicle.goes_on and (chronicle.last_at or 0) > 0 and not require("tomesync/worker").isBusy("history") then break end
    end
    H.log{ type = "info", sent = chronicle.sent }
end }

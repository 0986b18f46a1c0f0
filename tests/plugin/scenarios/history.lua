-- Reads with KOReader's own statistics, and lets the history be sent.
local C = require("common")
return { pre = C.pre, run = function(H)
    H.open(C.book(H)); H.run(3); H.turn(4, 30); H.close_book(); H.run(5)
    for _ = 1, 40 do H.settle(10); H.run(3) end
end }

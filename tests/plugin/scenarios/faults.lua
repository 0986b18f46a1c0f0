-- Two sittings while the server is ill (KOLITE_FAULT), the book is closed, the server recovers, the network comes back.
local C = require("common")
return { pre = C.pre, run = function(H)
    H.server(os.getenv("KOLITE_FAULT"), 1)
    local sync = require("tomesync/sync")
    sync.block_s, sync.total_s, sync.deadline_s = 1, 2, 3
    H.open(C.book(H)); H.run(3); H.turn(3, 20); H.run(15)
    H.suspend(600); H.resume(); H.run(5); H.net(true)
    H.turn(2, 20); H.close_book(); H.run(5); H.settle(10)
    H.server("up"); H.net(false); H.net(true); H.run(5); H.settle(10); H.run(3); H.settle(10)
end }

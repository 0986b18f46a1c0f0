-- A device without a key: the code on screen, a person enters it elsewhere, the next sitting goes with the new key.
local C = require("common")
return { pre = C.pre, run = function(H)
    H.run(3); H.settle(10)
    H.menu_tap("TomeSync > Settings > Pair with a code"); H.settle(10)
    for _ = 1, 6 do H.run(3); H.settle(10) end
    H.open(C.book(H)); H.run(3); H.turn(2, 20); H.close_book(); H.run(5); H.settle(10)
end }

-- Opens book and comic and says where the reader is afterwards.
local C = require("common")
return { pre = C.pre, run = function(H)
    for _, book in ipairs{ C.book(H), C.comic(H) } do
        H.open(book); H.run(3); H.settle(10); H.run(1)
        H.log{ type = "info", page = H.ui():getCurrentPage(), xp = H.ui().rolling and H.ui().rolling:getLastProgress() }
        H.close_book()
    end
end }

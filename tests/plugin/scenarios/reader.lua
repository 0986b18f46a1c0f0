-- One of several devices: opens the book, says where the reader is taken, turns KOLITE_TURNS pages, marks it KOLITE_MARK.
local C = require("common")
return { pre = C.pre, run = function(H)
    H.open(C.book(H)); H.run(3); H.settle(10); H.run(1)
    local settings = H.ui().doc_settings
    local summary = settings:readSetting("summary") or {}
    H.log{ type = "info", page = H.ui():getCurrentPage(), status = summary.status, rating = summary.rating }
    H.turn(tonumber(os.getenv("KOLITE_TURNS")), 20)
    local mark = os.getenv("KOLITE_MARK")
    if mark then
        summary.status, summary.rating = mark:match("(%a+) (%d)"), tonumber(mark:match("%d"))
        settings:saveSetting("summary", summary)
    end
    H.log{ type = "info", page = H.ui():getCurrentPage() }
    H.close_book(); H.run(5); H.settle(10)
end }

-- A series of the real daemon: a cover, all its books, a collection of them, and the end of the first one.
local C = require("common")
return { pre = C.pre, run = function(H)
    H.run(3); H.settle(10)
    require("tomesync/settings").set("collection", true)
    H.menu_tap("TomeSync > Browse the library > Series"); H.settle(10); H.run(1)
    local function pick(text, how)
        local list = H.top()
        for _, item in ipairs(list.item_table) do
            if item.text:find(text, 1, true) then
                list[how or "onMenuSelect"](list, item); H.settle(10); H.run(1)
                return
            end
        end
        H.log{ type = "lua_error", where = "scenario", error = "no entry " .. text }
    end
    pick("Saga")
    pick("Part 2", "onMenuHold")
    H.log{ type = "info", cover = H.class_of(H.top()), file = H.top().file }
    H.UIManager:close(H.top())
    pick("Download the whole series")
    for _ = 1, 100 do
        H.settle(5); H.run(0.5)
        if not require("tomesync/downloads").isBusy() then break end
    end
    H.run(3)
    local collection, count = require("readcollection").coll.Saga or {}, 0
    for _ in pairs(collection) do count = count + 1 end
    H.log{ type = "info", collected = count }
end }

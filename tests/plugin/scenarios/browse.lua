-- From the menu of the file browser: series, one of them, all of it downloaded.
local C = require("common")
return { pre = C.pre, run = function(H)
    H.run(3); H.settle(10)
    H.menu_tap("TomeSync > Browse the library > Series"); H.settle(10); H.run(1)
    local function select(text)
        local list = H.top()
        for _, item in ipairs(list.item_table) do
            if item.text:find(text, 1, true) then list:onMenuSelect(item); H.settle(10); H.run(1); return end
        end
        H.log{ type = "lua_error", where = "scenario", error = "no entry " .. text }
    end
    select("Saga")
    select("Download the whole series")
    for _ = 1, 200 do
        H.settle(5); H.run(0.5)
        if not require("tomesync/downloads").isBusy() then break end
    end
    H.run(3)
end }

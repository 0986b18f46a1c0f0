-- The entry in file browser (KOLITE_WHERE=fm) or reader, opened to its depth, and its quiet entries tapped.
-- The menu is built once: KOReader's sorter uses up the order it sorts by.
local C = require("common")
local function find(items, text)
    for _, item in ipairs(items) do
        if tostring(item.text_func and item.text_func() or item.text):find(text, 1, true) then return item end
    end
end
return { pre = C.pre, run = function(H)
    H.run(3); H.settle(10)
    if os.getenv("KOLITE_WHERE") == "reader" then H.open(C.book(H)); H.run(3) end
    H.dump_menu("TomeSync", 4)
    for _, tab in ipairs(H.ui().menu.tab_item_table) do
        local entry = find(tab, "TomeSync")
        for _, text in ipairs(entry and { "About", "Pending", "Sync now" } or {}) do
            H.step("tap " .. text, find(entry.sub_item_table_func(), text).callback, H.touchmenu)
            H.run(1); H.settle(10); H.run(1)
            if H.class_of(H.top()) == "InfoMessage" then H.UIManager:close(H.top()) end
        end
    end
end }

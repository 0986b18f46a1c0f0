--- A KOReader collection per series, for those who want one. KOReader has named collections since v2024.07.
local logger = require("logger")

local Collections = {}

local function api()
    local ok, ReadCollection = pcall(require, "readcollection")
    return ok and type(ReadCollection) == "table" and type(ReadCollection.addCollection) == "function" and ReadCollection or nil
end

--- Can this KOReader do it?
function Collections.areKnown()
    return api() ~= nil
end

--- Puts files into the collections of their series. list: { { path, series }, … }.
function Collections.add(list)
    local ReadCollection = api()
    if not ReadCollection then
        return
    end
    local ok, err = pcall(function()
        local is_touched = false
        for _, entry in ipairs(list) do
            if entry.series then
                if not ReadCollection.coll[entry.series] then
                    ReadCollection:addCollection(entry.series)
                end
                ReadCollection:addItem(entry.path, entry.series)
                is_touched = true
            end
        end
        if is_touched then
            ReadCollection:write() -- all of them: which to write is told by name up to 2024.11 and by a table since
        end
    end)
    if not ok then
        logger.warn("tomesync:", err)
    end
end

return Collections

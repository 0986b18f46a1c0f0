--- Which of the server's books lie on this device, by book and not by name: an append-only list of downloads and of
--- books that were recognised when they were opened.
local Settings = require("tomesync/settings")
local lfs = require("libs/libkoreader-lfs")
local rapidjson = require("rapidjson")

local Shelf = {}

local function path()
    return Settings.folder .. "/shelf.jsonl"
end

local function known()
    if not Shelf.paths then
        Shelf.paths = {}
        local file = io.open(path(), "r")
        if file then
            for line in file:lines() do
                local ok, entry = pcall(rapidjson.decode, line)
                if ok and type(entry) == "table" and type(entry.uuid) == "string" and type(entry.path) == "string" then
                    Shelf.paths[entry.uuid] = entry.path
                end
            end
            file:close()
        end
    end
    return Shelf.paths
end

--- The file of this book on the device, or nil.
function Shelf.find(uuid)
    local found = known()[uuid]
    return found and lfs.attributes(found, "mode") == "file" and found or nil
end

--- Notes that this file is this book.
function Shelf.add(uuid, file)
    if known()[uuid] == file then
        return
    end
    Shelf.paths[uuid] = file
    local list = io.open(path(), "a")
    if list then
        list:write(rapidjson.encode{ uuid = uuid, path = file }, "\n")
        list:close()
    end
end

--- The set of the books that are here: { [uuid] = true }.
function Shelf.all()
    local set = {}
    for uuid in pairs(known()) do
        set[uuid] = Shelf.find(uuid) and true or nil
    end
    return set
end

return Shelf

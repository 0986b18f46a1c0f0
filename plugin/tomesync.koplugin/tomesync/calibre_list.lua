--- What Calibre itself says a file on this device is: `metadata.calibre`, the list that it leaves at the root of a storage
--- it sends books to by cable. Only for a child process; pure but for the reading that is handed in.
--
-- The list is walked sign by sign and never decoded as a whole: it can be many megabytes, the child collects no garbage,
-- and a decoder in C that descends by calling itself dies of a list nested deep enough.
local CalibreList = {}
CalibreList.__index = CalibreList

CalibreList.names = { "metadata.calibre", ".metadata.calibre" }
--- Bytes of a list, and of one of its entries (covers are in them), beyond which it is left alone; folders that are
--- climbed; how deep an entry may be nested; files that are remembered; children that may try a list.
CalibreList.most_bytes, CalibreList.most_entry, CalibreList.most_levels = 64 * 1024 * 1024, 4 * 1024 * 1024, 8
CalibreList.most_nested, CalibreList.most_kept, CalibreList.most_tries = 32, 2000, 2

local function isUuid(value)
    return type(value) == "string" and #value == 36
        and value:match("^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$") ~= nil
end

local function decoded(decode, text)
    local ok, value = pcall(decode, text)
    return ok and type(value) == "table" and value or nil
end

-- Where the string that begins before `from` ends: the place of its closing quote.
local function stringEnd(text, from)
    local at = text:find('["\\]', from)
    while at and text:byte(at) == 92 do
        at = text:find('["\\]', at + 2)
    end
    return at
end

-- Calls f(first, last, depth) with the extent of each object of the outermost array and how deep it is nested.
local function eachEntry(text, f)
    local depth, deepest, first, at = 0, 0, nil, 1
    while true do
        at = text:find('[%[%]{}"]', at)
        local sign = at and text:byte(at)
        if not sign then
            return
        elseif sign == 34 then
            at = stringEnd(text, at + 1)
            if not at then
                return
            end
        elseif sign == 91 or sign == 123 then
            depth = depth + 1
            deepest = math.max(deepest, depth)
            if depth == 2 then
                first, deepest = at, 2
            end
        else
            depth = depth - 1
            if depth == 1 then
                f(first, at, deepest - 1)
            elseif depth < 1 then
                return
            end
        end
        at = at + 1
    end
end

--- Where the entries of a list's text are: { text, at = { [told path, folded] = { { first, last }, … } } }. One walk for
--- all files; what a path leads to is decoded when it is asked for. Only the case of ASCII letters is folded.
function CalibreList.index(decode, text)
    local at = {}
    local key, open = text:find('"lpath"%s*:%s*"')
    eachEntry(text, function(first, last, nested)
        while key and key < first do
            key, open = text:find('"lpath"%s*:%s*"', key + 1)
        end
        if not key or key > last or last - first >= CalibreList.most_entry or nested > CalibreList.most_nested then
            return
        end
        local close = stringEnd(text, open + 1)
        local lpath = close and close < last and text:sub(open + 1, close - 1)
        if lpath and lpath:find("\\", 1, true) then
            lpath = (decoded(decode, '["' .. lpath .. '"]') or {})[1]
        end
        if type(lpath) == "string" then
            lpath = lpath:lower()
            at[lpath] = at[lpath] or {}
            table.insert(at[lpath], { first, last })
        end
    end)
    return { text = text, at = at }
end

--- The uuid that a list has for a path relative to its folder, or nil. First as it is written, then folded, for FAT keeps
--- no case. Entries that contradict each other say nothing.
function CalibreList.find(decode, index, path)
    local exact, alike = {}, {}
    for _, extent in ipairs(index.at[path:lower()] or {}) do
        local entry = decoded(decode, index.text:sub(extent[1], extent[2]))
        if entry and type(entry.lpath) == "string" and entry.lpath:lower() == path:lower() and isUuid(entry.uuid) then
            local found = entry.lpath == path and exact or alike
            found[#found + 1] = entry.uuid:lower()
        end
    end
    local found = exact[1] and exact or alike
    for _, uuid in ipairs(found) do
        if uuid ~= found[1] then
            return nil
        end
    end
    return found[1]
end

--- Adds `calibre:UUID` to KOReader's text of identifiers, unless it has such a one.
function CalibreList.added(identifiers, uuid)
    identifiers = type(identifiers) == "string" and identifiers or ""
    for scheme, value in identifiers:gmatch("(%w+):([^%s]+)") do
        if scheme:lower() == "calibre" and isUuid(value) then
            return identifiers
        end
    end
    return "calibre:" .. uuid .. (identifiers ~= "" and "\n" .. identifiers or "")
end

--- Puts it into an event's line. The line is not made anew: a decoder loses which of its empty tables were lists.
--- Within a text quotes are escaped, so that `"book":{` can only be the key.
function CalibreList.intoLine(line, book, uuid)
    local told = type(book.identifiers) == "string" and book.identifiers or nil
    if CalibreList.added(told, uuid) == told then
        return line
    end
    local _, at = line:find('"book":{', 1, true)
    if not at or line:sub(at + 1, at + 1) ~= '"' then
        return line
    end
    local new = "calibre:" .. uuid
    if not told then
        return line:sub(1, at) .. '"identifiers":"' .. new .. '",' .. line:sub(at + 1)
    end
    local _, quote = line:find('"identifiers":"', at, true)
    if not quote then
        return line
    end
    return line:sub(1, quote) .. new .. (told ~= "" and "\\n" or "") .. line:sub(quote + 1)
end

local function readAll(path, most)
    local file = io.open(path, "rb")
    local text = file and file:read(most)
    if file then
        file:close()
    end
    return text
end

--- attributes: LuaFileSystem's; json: { encode, decode }; memory: the file that keeps what was found between two children.
function CalibreList.new(attributes, json, memory)
    local self = setmetatable({ attributes = attributes, json = json, memory = memory, indexes = {}, kept = {} }, CalibreList)
    self.kept = decoded(json.decode, readAll(memory, 4 * 1024 * 1024)) or {}
    return self
end

-- The lists above a file, nearest first, as { path, stamp, rest }; and a text that changes whenever one of them does.
function CalibreList:above(file)
    local found, stamp, folder = {}, {}, file
    for _ = 1, CalibreList.most_levels do
        folder = folder:match("^(.+)/[^/]*$")
        if not folder then
            break
        end
        for _, name in ipairs(CalibreList.names) do
            local path = folder .. "/" .. name
            local about = self.attributes(path)
            if about and about.mode == "file" and about.size <= CalibreList.most_bytes then
                local changed = ("%s %d %d"):format(path, about.modification, about.size)
                found[#found + 1], stamp[#stamp + 1] = { path = path, stamp = changed, rest = file:sub(#folder + 2) }, changed
            end
        end
    end
    return found, table.concat(stamp, "\n")
end

-- That a list is about to be read is noted before, so that one of which the child dies, or that takes it too long, is left
-- alone from the third time on and the sync goes its way.
function CalibreList:indexOf(list)
    local index = self.indexes[list.path]
    if index then
        return index
    end
    local known = self.kept[list.path]
    local tries = type(known) == "table" and known.stamp == list.stamp and tonumber(known.tries) or 0
    local text = ""
    if tries < CalibreList.most_tries then
        self.kept[list.path], self.changed = { stamp = list.stamp, tries = tries + 1 }, true
        self:save()
        text = readAll(list.path, CalibreList.most_bytes) or ""
    end
    index = CalibreList.index(self.json.decode, text)
    if text ~= "" then
        self.kept[list.path], self.changed = nil, true
    end
    self.indexes[list.path] = index
    return index
end

--- The uuid of a file by its whole path, or nil. A list is read again only when it has changed.
function CalibreList:uuidOf(file)
    local lists, stamp = self:above(file)
    if not lists[1] then
        return nil
    end
    local known = self.kept[file]
    if type(known) == "table" and known.stamp == stamp then
        return isUuid(known.uuid) and known.uuid or nil
    end
    local uuid
    for _, list in ipairs(lists) do
        uuid = uuid or CalibreList.find(self.json.decode, self:indexOf(list), list.rest)
    end
    self.kept[file], self.changed = { stamp = stamp, uuid = uuid }, true
    return uuid
end

--- Keeps what was found, and that nothing was.
function CalibreList:save()
    if not self.changed then
        return
    end
    self.changed = false
    local keep, n = {}, 0
    for file, known in pairs(self.kept) do
        if n < CalibreList.most_kept and type(file) == "string" and type(known) == "table" then
            keep[file], n = known, n + 1
        end
    end
    local ok, text = pcall(self.json.encode, keep)
    local out = ok and io.open(self.memory .. ".new", "wb")
    if out then
        local written = out:write(text)
        out:close()
        if written then
            os.rename(self.memory .. ".new", self.memory)
        end
    end
end

return CalibreList

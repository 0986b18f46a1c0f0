--- The queue: events that the server has not acknowledged, as append-only files of JSON lines.
--
-- A folder of segments, oldest first: `00000007.jsonl` is the one that is written, `00000006-200.jsonl` a sealed one
-- with its number of lines in the name. Nothing is ever rewritten: a segment whose every id came back is removed,
-- one that came back in part gets the ids appended to `….done`. So a year offline costs no more per event than a day.
local Events = require("tomesync/events")

local Queue = {}
Queue.__index = Queue

--- dir exists or can be made; lfs: LuaFileSystem; lines: most lines of a segment.
function Queue.new(dir, lfs, lines)
    local self = setmetatable({ dir = dir, lfs = lfs, most_lines = lines or 200, segments = {}, failed = false }, Queue)
    lfs.mkdir(dir)
    self:load()
    return self
end

local function countLines(path)
    local n = 0
    local file = io.open(path, "r")
    if file then
        for text in file:lines() do
            if Events.idOf(text) then
                n = n + 1
            end
        end
        file:close()
    end
    return n
end

local function doneIds(path)
    local ids, n = {}, 0
    local file = io.open(path .. ".done", "r")
    if file then
        for id in file:lines() do
            if not ids[id] then
                ids[id], n = true, n + 1
            end
        end
        file:close()
    end
    return ids, n
end

--- Reads what an earlier run left. Only unsealed segments are opened: at most one after a clean end.
function Queue:load()
    self.last = 0
    local names = {}
    for name in self.lfs.dir(self.dir) do
        names[#names + 1] = name -- first all of them: sealing renames files of this very folder
    end
    for _, name in ipairs(names) do
        local number, count = name:match("^(%d+)%-?(%d*)%.jsonl$")
        if number then
            local segment = { name = name, number = tonumber(number), count = tonumber(count) }
            if not segment.count then
                segment.count = countLines(self.dir .. "/" .. name)
                self:rename(segment)
            end
            local _, done = doneIds(self.dir .. "/" .. segment.name)
            segment.done = done
            self.segments[#self.segments + 1] = segment
            self.last = math.max(self.last, segment.number)
        end
    end
    table.sort(self.segments, function(a, b) return a.number < b.number end)
end

function Queue:rename(segment)
    local sealed = ("%08d-%d.jsonl"):format(segment.number, segment.count)
    if os.rename(self.dir .. "/" .. segment.name, self.dir .. "/" .. sealed) then
        os.rename(self.dir .. "/" .. segment.name .. ".done", self.dir .. "/" .. sealed .. ".done")
        segment.name = sealed
    end
end

--- Appends one event. Returns false (and remembers it for the menu) when the disk does not take it.
function Queue:append(text)
    local segment = self.open
    if not segment then
        self.last = self.last + 1
        segment = { name = ("%08d.jsonl"):format(self.last), number = self.last, count = 0, done = 0 }
        self.file = io.open(self.dir .. "/" .. segment.name, "a")
        self.open = segment
        self.segments[#self.segments + 1] = segment
    end
    local written = self.file and self.file:write(text, "\n") and self.file:flush()
    if not written then
        self.failed = true
        self:seal()
        return false
    end
    self.failed = false
    segment.count = segment.count + 1
    if segment.count >= self.most_lines then
        self:seal()
    end
    return true
end

--- Closes the segment that is written. Before every sending: what is sent must not grow behind the sender's back.
function Queue:seal()
    local segment = self.open
    if not segment then
        return
    end
    self.open = nil
    if self.file then
        self.file:close()
        self.file = nil
    end
    self:rename(segment)
end

--- How many events wait.
function Queue:count()
    local n = 0
    for _, segment in ipairs(self.segments) do
        n = n + math.max(0, segment.count - segment.done)
    end
    return n
end

--- Bytes on disk, for the menu.
function Queue:size()
    local bytes = 0
    for _, segment in ipairs(self.segments) do
        bytes = bytes + (self.lfs.attributes(self.dir .. "/" .. segment.name, "size") or 0)
    end
    return bytes
end

--- Names of the oldest sealed segments that together hold at most `events` events, at least one segment.
--- Second value: true when that is all there is.
function Queue:oldest(events)
    self:seal()
    local names, n = {}, 0
    for _, segment in ipairs(self.segments) do
        if names[1] and n + segment.count > events then
            return names, false
        end
        names[#names + 1], n = segment.name, n + segment.count
    end
    return names, true
end

--- Every id of the segment came back.
function Queue:drop(name)
    for i, segment in ipairs(self.segments) do
        if segment.name == name and segment ~= self.open then
            if os.remove(self.dir .. "/" .. name) then
                os.remove(self.dir .. "/" .. name .. ".done")
            end
            table.remove(self.segments, i)
            return
        end
    end
end

--- Some ids of the segment came back.
function Queue:dropPart(name, ids)
    for _, segment in ipairs(self.segments) do
        if segment.name == name then
            local file = io.open(self.dir .. "/" .. name .. ".done", "a")
            if file then
                file:write(table.concat(ids, "\n"), "\n")
                file:close()
                segment.done = segment.done + #ids
            end
            return
        end
    end
end

--- Nobody can read what is left in the segment: it is kept for a person, out of the way.
function Queue:setAside(name)
    os.rename(self.dir .. "/" .. name, self.dir .. "/" .. name .. ".unreadable")
    os.remove(self.dir .. "/" .. name .. ".done")
    self:drop(name)
end

--- For the sender (a child process): the lines of some segments that still wait.
-- Returns a list of { id, line, segment } with at most `events` of them and about `bytes`, and what each segment
-- holds: { [name] = { waiting = n, unreadable = n } }, counting also what did not fit.
function Queue.read(dir, names, events, bytes, isReadable)
    local lines, held, size = {}, {}, 0
    for _, name in ipairs(names) do
        local state = { waiting = 0, unreadable = 0 }
        held[name] = state
        local done = doneIds(dir .. "/" .. name)
        local file = io.open(dir .. "/" .. name, "r")
        if file then
            for text in file:lines() do
                local id = Events.idOf(text)
                if not id or not isReadable(text) then
                    state.unreadable = state.unreadable + 1
                elseif not done[id] then
                    state.waiting = state.waiting + 1
                    if #lines < events and (size == 0 or size + #text <= bytes) then
                        lines[#lines + 1] = { id = id, line = text, segment = name }
                        size = size + #text + 1
                    end
                end
            end
            file:close()
        end
    end
    return lines, held
end

return Queue

--- Where the files that were opened lie. Events carry only a file's name, and shall: the folders of a device are nobody
--- else's business. So the paths stay here, in a small file of lines, for the child that asks Calibre's list.
local Paths = {}
Paths.__index = Paths

--- When the file has more lines than this, the older half goes.
Paths.most = 2000

--- The name under which an event's or a wish's book is found again.
function Paths.key(book)
    local function text(value)
        return type(value) == "string" and value or ""
    end
    return text(book.partial_md5) .. "/" .. text(book.filename)
end

--- Reads what earlier runs noted.
function Paths.new(path)
    local self = setmetatable({ path = path, known = {} }, Paths)
    local lines = {}
    local file = io.open(path, "r")
    if file then
        for line in file:lines() do
            lines[#lines + 1] = line
        end
        file:close()
    end
    local first = #lines > Paths.most and math.floor(#lines / 2) or 1
    for i = first, #lines do
        local key, where = lines[i]:match("^([^\t]*)\t(/[^\t]*)$")
        if key then
            self.known[key] = where
        end
    end
    local out = first > 1 and io.open(path, "w")
    if out then
        out:write(table.concat(lines, "\n", first), "\n")
        out:close()
    end
    return self
end

function Paths:note(book, where)
    local key = Paths.key(book)
    if type(where) ~= "string" or where:sub(1, 1) ~= "/" or (key .. where):find("[%c]") or self.known[key] == where then
        return
    end
    self.known[key] = where
    local out = io.open(self.path, "a")
    if out then
        out:write(key, "\t", where, "\n")
        out:close()
    end
end

return Paths

--- The open sitting on disk: pure appending, one short line a page turn, so that a crash or an empty battery costs
--- at most the page being read. At the next start `recover` gives the sitting back, with the id it had.
--
-- Line 1 is JSON: what does not change (id, book, when it began). The others are blank-separated numbers:
-- wall steady active turned moved page total fraction kind locator
local Clock = require("tomesync/clock")

local Journal = {}
Journal.__index = Journal

function Journal.new(path, encode, decode)
    return setmetatable({ path = path, encode = encode, decode = decode }, Journal)
end

local function put(self, text)
    local file = self.file
    if file and file:write(text, "\n") then
        file:flush() -- also: a forked child must never inherit bytes that it would write a second time
    end
end

--- Starts the file anew for a sitting of the tracker. `book` goes into the event as it is; stamp: of tomesync/clock.
function Journal:start(sitting, wall, book, stamp)
    self:close()
    self.file = io.open(self.path, "w")
    local start = sitting.start
    put(self, self.encode({
        id = sitting.id, book = book, began = sitting.began, wall = wall, idle_cap_s = sitting.idle_cap_s, clock = stamp,
        start = { page = start.page, total = start.total, fraction = start.fraction, locator = start.locator },
    }))
end

--- Notes where the sitting stands now.
function Journal:note(sitting, wall)
    local place = sitting.place
    local locator = place.locator or {}
    put(self, ("%d %.3f %.3f %d %d %d %d %.6f %s %s"):format(
        wall, sitting.last, sitting.active_s, sitting.pages_turned, sitting.moved and 1 or 0,
        place.page or 0, place.total or 0, place.fraction or 0, locator.kind or "-", locator.value or "-"))
end

--- Ends the file; `forget` also removes it (the sitting is in the queue by then).
function Journal:close(forget)
    if self.file then
        self.file:close()
        self.file = nil
    end
    if forget then
        os.remove(self.path)
    end
end

local line_pattern = "^(%-?%d+) (%S+) (%S+) (%d+) ([01]) (%-?%d+) (%d+) (%S+) (%S+) (.+)$"

--- The sitting that was open when the power went, its book and the clock's stamp; nil when there was none.
function Journal:recover()
    local file = io.open(self.path, "r")
    if not file then
        return nil
    end
    local text = file:read("*a") or ""
    file:close()
    local first, rest = text:match("^([^\n]+)\n(.*)$")
    local ok, head = pcall(self.decode, first or "")
    if not ok or type(head) ~= "table" or type(head.id) ~= "string" or type(head.start) ~= "table" then
        return nil
    end
    local sitting = { id = head.id, start = head.start, place = head.start, pages_turned = 0, active_s = 0, moved = false, page_times = {} }
    local page, page_since, page_active = head.start.page, tonumber(head.began) or 0, 0
    local last_steady
    for line in rest:gmatch("([^\n]*)\n") do -- a line without its end is torn: the page being read
        local wall, steady, active, turned, moved, number, total, fraction, kind, locator = line:match(line_pattern)
        if wall then
            wall, steady, active = tonumber(wall), tonumber(steady), tonumber(active)
            sitting.page_times[#sitting.page_times + 1] = { page, math.floor(page_since - head.began), math.floor(active - page_active + 0.5) }
            page, page_since, page_active = tonumber(number), steady, active
            sitting.ended_at, last_steady = wall, steady
            sitting.started_at = math.floor(wall - (steady - head.began) + 0.5)
            sitting.active_s, sitting.pages_turned, sitting.moved = math.floor(active + 0.5), tonumber(turned), moved == "1"
            sitting.total_pages = tonumber(total)
            sitting.place = {
                page = page, total = sitting.total_pages, fraction = tonumber(fraction),
                locator = kind ~= "-" and { kind = kind, value = locator } or nil,
            }
        end
    end
    if not sitting.ended_at then
        return nil -- not a page was turned
    end
    return sitting, head.book, Clock.stampAt(head.clock, sitting.ended_at, last_steady)
end

return Journal

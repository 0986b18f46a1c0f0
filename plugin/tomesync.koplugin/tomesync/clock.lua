--- Whether the device's clock was set after an event was noted, and by how much. Pure but for its one small file.
--
-- Wall clock minus time since boot is one number, the base, for as long as nobody sets the clock. An event is stamped
-- with the base of its moment; when it is sent, the difference to the base of now is what the clock was set by since.
-- That is certain only where each change was seen while the device was awake: what changed over a sleep or between two
-- runs may be a clock that was set, or time since boot that did not count the sleep, and nobody can tell which. Then a
-- new era begins, and events of an earlier one stay as they were noted.
local Clock = {}
Clock.__index = Clock

--- Seconds that the base may differ by without anybody having set the clock: both clocks are read one after the other.
Clock.tolerance_s = 3

--- sources: { wall, since_boot = functions, in seconds; since_boot is nil where no clock counts sleep; boot_id = text that
--- another boot does not have, or nil; era = function that makes a name }. path: where this is kept over a restart.
function Clock.new(sources, path)
    local self = setmetatable({ sources = sources, path = path, may_have_slept = true }, Clock)
    local file = io.open(path, "r")
    local era, base, boot_id = (file and file:read("*l") or ""):match("^([%w%-]+) (%-?%d+) (%S+)$")
    if file then
        file:close()
    end
    if era and boot_id == sources.boot_id then
        self.era, self.base = era, tonumber(base)
    end
    self:look()
    self.may_have_slept = false
    return self
end

local function keep(self)
    local file = self.sources.boot_id and io.open(self.path, "w")
    if file then
        file:write(("%s %d %s\n"):format(self.era, self.base, self.sources.boot_id))
        file:close()
    end
end

--- Compares the clocks. To be called whenever something is noted or sent: what is not seen while awake is not known.
function Clock:look()
    local sources = self.sources
    if not sources.since_boot then
        return
    end
    local base = math.floor(sources.wall() - sources.since_boot() + 0.5)
    if self.base and math.abs(base - self.base) <= Clock.tolerance_s then
        return
    end
    if not self.base or self.may_have_slept then
        self.era = sources.era()
    end
    self.base = base
    keep(self)
end

--- The device is about to sleep.
function Clock:sleeps()
    self:look()
    self.may_have_slept = true
end

--- It is awake again.
function Clock:wakes()
    self:look()
    self.may_have_slept = false
end

--- What an event that is noted now is stamped with, nil where nothing is known.
function Clock:stamp()
    self:look()
    return self.era and ("%s %d"):format(self.era, self.base)
end

--- The stamp of a sitting that a crash ended: stamped when it began, last seen at `wall` and `since_boot`.
function Clock.stampAt(stamp, wall, since_boot)
    local era = type(stamp) == "string" and stamp:match("^([%w%-]+) %-?%d+$")
    return era and ("%s %d"):format(era, math.floor(wall - since_boot + 0.5))
end

--- A line of the queue as it is sent at the moment of the stamp `now`: instead of its own stamp it tells by how many
--- seconds the clock was set since, if it was and that is known.
function Clock.told(line, now)
    local head, stamp, rest = line:match('^({"id":"[%w%-]+",)"clock":"([^"]*)",(.*)$')
    if not head then
        return line
    end
    local era, base = stamp:match("^([%w%-]+) (%-?%d+)$")
    local now_era, now_base = (now or ""):match("^([%w%-]+) (%-?%d+)$")
    local set_by = era and era == now_era and tonumber(now_base) - tonumber(base) or 0
    if math.abs(set_by) <= Clock.tolerance_s then
        return head .. rest
    end
    return ('%s"clock_set_s":%d,%s'):format(head, set_by, rest)
end

return Clock

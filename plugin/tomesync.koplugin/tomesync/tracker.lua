--- One sitting with one book, told apart from everything else that turns pages: pure, knows neither KOReader nor files.
--
-- A sitting runs from opening (or waking) to closing (or falling asleep). What counts:
--   * time: each gap between two signs of life, at most `idle_cap_s` of it;
--   * a page turned by reading: one page forward (as many as are shown at once). Jumps, links, going back,
--     re-rendering and the page that the book opens with are no page turns.
-- Durations come from a steady clock, which nobody can set back; the wall clock only says when the sitting ended.
local Tracker = {}
Tracker.__index = Tracker

--- A page that is open longer than this without a turn still counts as a sitting worth keeping.
Tracker.shortest_idle_sitting_s = 30

--- clock: { wall = function, steady = function }, both in seconds. uuid: function that makes an id.
function Tracker.new(clock, uuid)
    return setmetatable({ clock = clock, uuid = uuid, serial = 0 }, Tracker)
end

function Tracker:isOpen()
    return self.sitting ~= nil
end

--- Starts a sitting. place: { page, total, fraction, locator, shown }; idle_cap_s: nil means no cap.
function Tracker:begin(place, idle_cap_s)
    local steady = self.clock.steady()
    self.sitting = {
        id = self.uuid(), idle_cap_s = idle_cap_s, began = steady, last = steady,
        active_s = 0, pages_turned = 0, moved = false, start = place, place = place, page_times = {}, page_since = steady, page_active = 0,
    }
    return self.sitting
end

-- Adds the time since the last sign of life, capped; a steady clock that went back anyway adds nothing.
local function credit(sitting, now)
    local gap = math.max(0, now - sitting.last)
    local counted = sitting.idle_cap_s and math.min(gap, sitting.idle_cap_s) or gap
    sitting.active_s = sitting.active_s + counted
    sitting.page_active = sitting.page_active + counted
    sitting.last = now
    return counted
end

local function leavePage(sitting, now)
    local s = sitting
    s.page_times[#s.page_times + 1] = { s.place.page, math.floor(s.page_since - s.began), math.floor(s.page_active + 0.5) }
    s.page_since, s.page_active = now, 0
end

--- The page on screen changed. Returns how: "turn", "back", "jump", or nil when it is the same page.
function Tracker:moved(place)
    local s = self.sitting
    if not s or (place.page == s.place.page and place.total == s.place.total) then
        if s then
            s.place = place
        end
        return nil
    end
    local delta, shown = place.page - s.place.page, math.max(place.shown or 1, 1)
    local how = delta >= 1 and delta <= shown and "turn" or delta < 0 and delta >= -shown and "back" or "jump"
    if place.page == s.place.page then
        s.place = place -- only the number of pages changed: re-rendering, nobody moved
        return nil
    end
    local now = self.clock.steady()
    credit(s, now)
    leavePage(s, now)
    s.undo = place.total ~= s.place.total and { turned = how == "turn" and 1 or 0, moved = s.moved, serial = self.serial } or nil
    if how == "turn" then
        s.pages_turned = s.pages_turned + 1
    end
    s.moved, s.place = true, place
    self.serial = self.serial + 1
    return how
end

--- The document was re-rendered: the page change just before, if it came with another number of pages, was nobody's.
function Tracker:rerendered(place)
    local s = self.sitting
    if not s then
        return
    end
    if s.undo then
        s.pages_turned, s.moved, self.serial = s.pages_turned - s.undo.turned, s.undo.moved, s.undo.serial
        s.undo = nil
    end
    s.place = place
end

--- We moved the reader ourselves (a position from the server, a reload): the new place is where reading goes on from.
function Tracker:rebase(place)
    local s = self.sitting
    if not s then
        return
    end
    if not s.moved then
        s.start = place
    end
    s.place, s.undo = place, nil
end

--- The sitting as if it ended now (or at `steady`): nothing of it is changed.
-- The end is the last sign of life plus the capped rest; the begin is told from the end, by the steady clock,
-- so that a wall clock that was corrected in the middle does not stretch the sitting over years.
function Tracker:snapshot()
    local s = self.sitting
    if not s then
        return nil
    end
    local now, wall = self.clock.steady(), self.clock.wall()
    local gap = math.max(0, now - s.last)
    local tail = s.idle_cap_s and math.min(gap, s.idle_cap_s) or gap
    local ended_at = wall - (gap - tail)
    local page_times = {}
    for i, entry in ipairs(s.page_times) do
        page_times[i] = entry
    end
    page_times[#page_times + 1] = { s.place.page, math.floor(s.page_since - s.began), math.floor(s.page_active + tail + 0.5) }
    return {
        id = s.id,
        started_at = math.floor(ended_at - (s.last + tail - s.began) + 0.5), ended_at = math.floor(ended_at + 0.5),
        active_s = math.floor(s.active_s + tail + 0.5), pages_turned = s.pages_turned, moved = s.moved,
        start = s.start, place = s.place, page_times = page_times, total_pages = s.place.total,
        last_activity_at = math.floor(wall - gap + 0.5),
    }
end

--- Ends the sitting and returns it.
function Tracker:finish()
    local done = self:snapshot()
    self.sitting = nil
    return done
end

--- Is a finished sitting worth telling? Waking up and falling asleep again is not reading.
function Tracker.isWorthKeeping(sitting)
    return sitting.pages_turned > 0 or sitting.active_s >= Tracker.shortest_idle_sitting_s
end

return Tracker

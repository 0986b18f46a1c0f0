--- How long to leave a server alone that failed: doubles from half a minute to an hour, told by the wall clock,
--- forgotten when the network comes (back) or a person asks.
local Backoff = {}
Backoff.__index = Backoff

Backoff.first_s, Backoff.most_s = 30, 3600

function Backoff.new(wall)
    return setmetatable({ wall = wall, failures = 0 }, Backoff)
end

--- reason: a word; `refused` (our key is not known, our plugin too old) waits the longest at once.
function Backoff:failed(reason)
    self.failures = self.failures + 1
    self.since, self.reason = self.wall(), reason
    self.wait_s = reason == "refused" and Backoff.most_s or math.min(Backoff.first_s * 2 ^ (self.failures - 1), Backoff.most_s)
end

function Backoff:clear()
    self.failures, self.since, self.wait_s, self.reason = 0, nil, nil, nil
end

--- Seconds that are left; 0 when one may try. A clock that was set back does not prolong it.
function Backoff:left()
    if not self.since then
        return 0
    end
    local passed = self.wall() - self.since
    if passed < 0 then
        return 0
    end
    return math.max(0, self.wait_s - passed)
end

return Backoff

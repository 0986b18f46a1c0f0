--- Times on the wire: RFC 3339 in UTC with Z. Inside the plugin a time is whole seconds since the epoch.
local Times = {}

function Times.format(seconds)
    return os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(seconds))
end

--- Seconds since the epoch, or nil for anything that is not a UTC time like 2026-05-24T14:30:00Z.
function Times.parse(text)
    if type(text) ~= "string" then
        return nil
    end
    local y, mo, d, h, mi, s = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)%.?%d*Z$")
    if not y then
        return nil
    end
    y, mo, d = tonumber(y), tonumber(mo), tonumber(d)
    -- Days since 1970-01-01 (civil calendar); os.time would apply the device's zone and its daylight saving.
    local years = mo <= 2 and y - 1 or y
    local era = math.floor(years / 400)
    local year_of_era = years - era * 400
    local day_of_year = math.floor((153 * (mo + (mo > 2 and -3 or 9)) + 2) / 5) + d - 1
    local day_of_era = year_of_era * 365 + math.floor(year_of_era / 4) - math.floor(year_of_era / 100) + day_of_year
    local days = era * 146097 + day_of_era - 719468
    return days * 86400 + tonumber(h) * 3600 + tonumber(mi) * 60 + tonumber(s)
end

return Times

--- Status and rating, both ways. KOReader sends no event when they change, so they are compared with what was known
--- last; that baseline lies in the book's own sidecar, beside what it describes.
local Status = {}

Status.key = "tomesync_status"
local words = { reading = true, complete = true, abandoned = true }

local function current(doc_settings)
    local summary = doc_settings:readSetting("summary")
    summary = type(summary) == "table" and summary or {}
    local rating = tonumber(summary.rating)
    return {
        status = words[summary.status] and summary.status or nil,
        rating = rating and rating >= 1 and rating <= 5 and rating or nil,
    }
end

--- What a person changed on the device since the last look: { status, rating } to be told, or nil. Remembers it as told.
-- A rating that was taken back is told as 0.
function Status.changed(doc_settings)
    local now, known = current(doc_settings), doc_settings:readSetting(Status.key)
    known = type(known) == "table" and known or { status = "reading" }
    local news
    if now.status and now.status ~= known.status then
        news = { status = now.status }
    end
    if now.rating ~= known.rating then
        news = news or {}
        news.rating = now.rating or 0
    end
    doc_settings:saveSetting(Status.key, { status = now.status or known.status, rating = now.rating, remote = known.remote })
    return news
end

--- The server says so: taken over when it changed there and nothing changed here. Returns true when it was.
function Status.fromServer(doc_settings, status)
    if not words[status] then
        return false
    end
    local now, known = current(doc_settings), doc_settings:readSetting(Status.key)
    known = type(known) == "table" and known or { status = "reading" }
    local changed_there = status ~= known.remote and status ~= (known.remote == nil and "reading" or nil)
    local changed_here = now.status and now.status ~= known.status
    local take = changed_there and not changed_here and status ~= now.status
    if take then
        local summary = doc_settings:readSetting("summary")
        summary = type(summary) == "table" and summary or {}
        summary.status = status
        summary.modified = os.date("%Y-%m-%d")
        doc_settings:saveSetting("summary", summary)
        now.status = status
    end
    doc_settings:saveSetting(Status.key, { status = take and status or known.status, rating = known.rating, remote = status })
    return take
end

return Status

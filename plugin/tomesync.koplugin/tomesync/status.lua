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
    doc_settings:saveSetting(Status.key, {
        status = now.status or known.status, rating = now.rating, remote = known.remote, remote_rating = known.remote_rating,
    })
    return news
end

-- The server's half stars as KOReader's whole ones: 1..5, or nil for none.
local function stars(rating)
    return rating > 0 and math.max(1, math.floor(rating / 2 + 0.5)) or nil
end

-- What the server says is news when it is not what it said last; the first time, what every book begins with is none.
local function isNews(told, known, at_first)
    if known == nil then
        return told ~= at_first
    end
    return told ~= known
end

--- What the server says, taken over into the book's settings where it changed there and nothing changed here.
-- status: one of its words, or nil; rating: 0..10 half stars (0: none), or nil when it does not say.
-- Returns true when something was taken over. What was taken over, also a rounded rating, is never told back.
function Status.fromServer(doc_settings, status, rating)
    local now, known = current(doc_settings), doc_settings:readSetting(Status.key)
    known = type(known) == "table" and known or { status = "reading" }
    local next_known = {
        status = known.status, rating = known.rating, remote = words[status] and status or known.remote, remote_rating = known.remote_rating,
    }
    local taken = {}
    if status == "new" and known.remote and known.remote ~= "new" then
        next_known.remote, status = "new", "reading" -- set back to unread elsewhere: begun again by being open
    end
    if words[status] and (isNews(status, known.remote, "reading") or next_known.remote == "new") and status ~= now.status
            and (now.status == nil or now.status == known.status) then
        taken.status, next_known.status = status, status
    end
    if type(rating) == "number" and rating >= 0 and rating <= 10 then
        if isNews(rating, known.remote_rating, 0) and stars(rating) ~= now.rating and now.rating == known.rating then
            taken.rating, next_known.rating = stars(rating) or false, stars(rating)
        end
        next_known.remote_rating = rating
    end
    if next(taken) ~= nil then
        local summary = doc_settings:readSetting("summary")
        summary = type(summary) == "table" and summary or {}
        summary.status = taken.status or summary.status
        if taken.rating ~= nil then
            summary.rating = taken.rating or nil
        end
        summary.modified = os.date("%Y-%m-%d")
        doc_settings:saveSetting("summary", summary)
    end
    doc_settings:saveSetting(Status.key, next_known)
    return next(taken) ~= nil
end

return Status

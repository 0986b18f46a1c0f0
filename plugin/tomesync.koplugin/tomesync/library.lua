--- The child's part of browsing: asks the server for lists and keeps of the answer only what a list shows, checked.
local Answers = require("tomesync/answers")

local Library = {}

local function text(value)
    return type(value) == "string" and value ~= "" and value or nil
end

local function number(value)
    return type(value) == "number" and value == value and value or nil
end

local function list(value)
    return type(value) == "table" and value or {}
end

--- A book as lists and downloads need it, or nil when it is none.
function Library.book(raw)
    if type(raw) ~= "table" or not text(raw.book_uuid) or not raw.book_uuid:match("^[%w%-]+$") then
        return nil
    end
    local book = {
        uuid = raw.book_uuid, title = text(raw.title) or "?", series = text(raw.series), series_id = number(raw.series_id),
        index = number(raw.series_index), kind = text(raw.kind) or "book", status = text(raw.status), fraction = number(raw.fraction),
        has_cover = raw.has_cover == true, authors = {}, formats = {},
    }
    for _, name in ipairs(list(raw.authors)) do
        book.authors[#book.authors + 1] = text(name)
    end
    for _, format in ipairs(list(raw.formats)) do
        if type(format) == "table" and text(format.format) and format.format:match("^%w+$") then
            book.formats[#book.formats + 1] = { format = format.format:upper(), size = number(format.size) }
        end
    end
    return book
end

local function series(raw)
    if type(raw) ~= "table" or not number(raw.series_id) or not text(raw.name) then
        return nil
    end
    return {
        id = raw.series_id, name = raw.name, books = number(raw.books) or 0, read = number(raw.read) or 0, next = Library.book(raw.next),
    }
end

local function named(raw)
    if type(raw) ~= "table" or not text(raw.name) then
        return nil
    end
    return { name = raw.name, books = number(raw.books) or 0 }
end

--- What each kind of list asks for: path, and how a row of it is read from which field.
Library.kinds = {
    books = { path = "/books", field = "books", read = Library.book },
    series = { path = "/series", field = "series", read = series },
    authors = { path = "/authors", field = "authors", read = named },
    tags = { path = "/tags", field = "tags", read = named },
}

local function escaped(value)
    return (tostring(value):gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function get(job, path, http, json)
    local status, body = http.request{ url = job.url .. "/api/v1" .. path, token = job.token, ca_file = job.ca_file, block_s = 10, total_s = 30 }
    if not status then
        return nil, { ok = false, code = "unreachable", detail = body }
    end
    local object, failure = Answers.judge(json.decode, status, body)
    if not object then
        failure.ok = false
        return nil, failure
    end
    return object
end

--- job: { url, token, kind, query = { name = value }, page, per_page, keep = function(row) }. Returns { ok, rows, total }.
function Library.page(job, http, json)
    local kind = Library.kinds[job.kind]
    local parts = { "page=" .. job.page, "per_page=" .. job.per_page }
    for name, value in pairs(job.query or {}) do
        parts[#parts + 1] = name .. "=" .. escaped(value)
    end
    local object, failure = get(job, kind.path .. "?" .. table.concat(parts, "&"), http, json)
    if not object then
        return failure
    end
    if type(object[kind.field]) ~= "table" then
        return { ok = false, code = "not_tomed" }
    end
    local rows, seen = {}, 0
    for _, raw in ipairs(object[kind.field]) do
        local row = kind.read(raw)
        seen = seen + 1
        if row and (not job.keep or job.keep(row)) then
            rows[#rows + 1] = row
        end
    end
    return { ok = true, rows = rows, seen = seen, total = number(object.total) or #rows }
end

--- Page after page until `most` rows were kept or the list ends: for lists that are filtered here. Same answer, and
--- `next_page` when there is more.
function Library.sieve(job, http, json)
    local rows, page = {}, job.page
    while true do
        local part = Library.page(setmetatable({ page = page }, { __index = job }), http, json)
        if not part.ok then
            return part
        end
        for _, row in ipairs(part.rows) do
            rows[#rows + 1] = row
        end
        local is_last = part.seen == 0 or page * job.per_page >= part.total
        page = page + 1
        if is_last or #rows >= (job.most or 100) then
            return { ok = true, rows = rows, next_page = not is_last and page or nil }
        end
    end
end

--- The books of one series in its order. job.series_id.
function Library.series(job, http, json)
    local object, failure = get(job, ("/series/%d"):format(job.series_id), http, json)
    if not object then
        return failure
    end
    local rows = {}
    for _, raw in ipairs(list(object.books)) do
        rows[#rows + 1] = Library.book(raw)
    end
    return { ok = true, rows = rows, name = text(object.name) }
end

--- One book. job.uuid.
function Library.one(job, http, json)
    local object, failure = get(job, "/books/" .. job.uuid, http, json)
    if not object then
        return failure
    end
    local book = Library.book(object.book)
    return book and { ok = true, book = book } or { ok = false, code = "not_tomed" }
end

--- What the server counts of one book. job.uuid. Numbers that it does not tell are left out.
function Library.statistics(job, http, json)
    local object, failure = get(job, "/books/" .. job.uuid .. "/statistics", http, json)
    if not object then
        return failure
    end
    local estimate = list(object.estimate)
    return {
        ok = true, active_s = number(object.active_s), pages = number(object.pages), sessions = number(object.sessions),
        days = number(object.days), first_at = text(object.first_at), last_at = text(object.last_at), fraction = number(object.fraction),
        left_s = number(estimate.remaining_s),
    }
end

--- Next to be read: the first of the list after `uuid` (or from the begin) that is not read.
function Library.nextUnread(books, uuid)
    local after = uuid == nil
    for _, book in ipairs(books) do
        if after and book.status ~= "complete" and book.status ~= "abandoned" then
            return book
        end
        after = after or book.uuid == uuid
    end
end

return Library

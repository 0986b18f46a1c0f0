--- Years of reading that KOReader's own statistics know: read and sent by a child, window by window.
--
-- The mark says how far the server has them: the rowid of the last row it took and how many rows lie up to it. Rowids
-- grow with every row, also with one that tells of an older time; when the count does not fit any more (rows were
-- deleted, the file was compacted or replaced), all is sent again, which changes nothing there.
local Answers = require("tomesync/answers")
local Text = require("tomesync/text")

local History = {}

History.rows_each, History.requests_each = 2000, 10

local function whole(value)
    value = tonumber(value) -- int64 comes as cdata, which no encoder takes
    return value and value == value and math.floor(value) or 0
end

-- Rows of a query as a list of lists.
local function query(connection, sql)
    local columns, count = connection:exec(sql)
    local rows = {}
    for i = 1, whole(count) do
        local row = {}
        for j = 1, #columns do
            row[j] = columns[j][i]
        end
        rows[i] = row
    end
    return rows
end

local function text(value)
    return type(value) == "string" and value ~= "" and Text.valid(value) or nil
end

local function bookOf(row)
    return {
        key = whole(row[1]), title = text(row[2]), authors = Text.lines(row[3]), series = text(row[4]), language = text(row[5]),
        partial_md5 = text(row[6]), pages = whole(row[7]), last_open = whole(row[8]),
    }
end

-- The books of a window, each of which the server has to be told once a request.
local function booksOf(connection, keys)
    if not keys[1] then
        return {}
    end
    local books = {}
    local sql = "SELECT id, title, authors, series, language, md5, pages, last_open FROM book WHERE id IN (%s)"
    for _, row in ipairs(query(connection, sql:format(table.concat(keys, ",")))) do
        books[#books + 1] = bookOf(row)
    end
    return books
end

local function window(connection, after, limit)
    local sql = "SELECT rowid, id_book, page, start_time, duration, total_pages FROM page_stat_data WHERE rowid > %d ORDER BY rowid LIMIT %d"
    local rows, keys, seen, last = {}, {}, {}, after
    for i, row in ipairs(query(connection, sql:format(after, limit))) do
        local key = whole(row[2])
        rows[i] = { key, whole(row[3]), whole(row[4]), whole(row[5]), whole(row[6]) }
        last = whole(row[1])
        if not seen[key] then
            seen[key] = true
            keys[#keys + 1] = key
        end
    end
    return rows, keys, last
end

local function countUpTo(connection, rowid)
    return whole(query(connection, ("SELECT count(*) FROM page_stat_data WHERE rowid <= %d"):format(rowid))[1][1])
end

local function send(job, http, json, body)
    local status, answer = http.request{
        method = "POST", url = job.url .. "/api/v1/history", token = job.token, ca_file = job.ca_file, body = json.encode(body),
        block_s = 20, total_s = 60,
    }
    if not status then
        return { ok = false, code = "unreachable", detail = answer }
    end
    local object, failure = Answers.judge(json.decode, status, answer)
    if not object then
        failure.ok = false
        return failure
    elseif object.service ~= "tomed" or type(object.taken) ~= "number" then
        return { ok = false, code = "not_tomed" }
    end
end

--- job: { file, mark = { rowid, count }, url, token, device, now }; open: function that opens a database read-only.
-- Returns { ok, mark, sent, more }; what was taken before a failure is in `mark` all the same.
function History.run(job, http, json, open)
    local connection = open(job.file)
    local mark = job.mark or { rowid = 0, count = 0 }
    if mark.rowid > 0 and countUpTo(connection, mark.rowid) ~= mark.count then
        mark = { rowid = 0, count = 0 }
    end
    local sent, result = 0, nil
    for _ = 1, job.requests or History.requests_each do
        local rows, keys, last = window(connection, mark.rowid, job.rows or History.rows_each)
        if not rows[1] then
            result = { ok = true, more = false }
            break
        end
        local failure = send(job, http, json, { device = job.device, now = job.now, books = booksOf(connection, keys), rows = rows })
        if failure then
            result = failure
            break
        end
        mark = { rowid = last, count = mark.count + #rows }
        sent = sent + #rows
    end
    connection:close()
    result = result or { ok = true, more = true }
    result.mark, result.sent = mark, sent
    return result
end

return History

-- Years of page rows: each window once, whatever fails in between; the mark lets the next child go on.
return function(test, same)
    local History = require("tomesync/history")
    local cjson = require("cjson.safe")

    -- A table of page rows that answers the queries of the module: rows are { rowid, id_book, page, start, seconds, total }.
    local function database(rows)
        local C = { opened = 0, closed = 0, most_rows = 0 }
        local function columns(list)
            local made, width = {}, list[1] and #list[1] or 0
            for j = 1, width do
                made[j] = {}
                for i = 1, #list do made[j][i] = list[i][j] end
            end
            C.most_rows = math.max(C.most_rows, #list)
            return made, #list
        end
        local function firstAfter(rowid)
            local low, high = 1, #rows + 1
            while low < high do
                local mid = math.floor((low + high) / 2)
                if rows[mid][1] > rowid then high = mid else low = mid + 1 end
            end
            return low
        end
        function C:exec(sql)
            local upto = sql:match("rowid <= (%d+)")
            if upto then return columns{ { firstAfter(tonumber(upto)) - 1 } } end
            local after, limit = sql:match("rowid > (%d+) ORDER BY rowid LIMIT (%d+)")
            if after then
                local found, first = {}, firstAfter(tonumber(after))
                for i = first, math.min(#rows, first + tonumber(limit) - 1) do found[#found + 1] = rows[i] end
                return columns(found)
            end
            local books = {}
            for id in sql:match("IN %((.-)%)"):gmatch("%d+") do
                books[#books + 1] = { tonumber(id), "Book " .. id, "A\nB", "", "en", ("%032x"):format(id), 300, 1700000000 }
            end
            return columns(books)
        end
        function C:close() self.closed = self.closed + 1 end
        return C, function() C.opened = C.opened + 1; return C end
    end
    local function rowsOf(count, books)
        local rows = {}
        for i = 1, count do rows[i] = { i, i % books + 1, i % 300 + 1, 1600000000 + i * 60, 55, 300 } end
        return rows
    end

    -- A server that keeps rows by their identity; fails(n) may spoil the n-th request: "before" or "after" it was taken.
    local function server(fails)
        local S = { kept = {}, count = 0, requests = 0, bytes = 0 }
        function S.request(request)
            S.requests = S.requests + 1
            local how = fails and fails(S.requests)
            if how == "before" then return nil, "timeout" end
            local body = cjson.decode(request.body)
            local named = {}
            for _, book in ipairs(body.books) do named[book.key] = true end
            for _, row in ipairs(body.rows) do
                assert(named[row[1]], "a row of a book that was not told")
                local key = row[1] .. " " .. row[2] .. " " .. row[3]
                if not S.kept[key] then S.kept[key], S.count = true, S.count + 1 end
            end
            S.bytes = math.max(S.bytes, #request.body)
            if how == "after" then return nil, "closed" end
            if how == "html" then return 200, "<html>" end
            return 200, cjson.encode{ service = "tomed", taken = #body.rows, new = 0, rejected = 0 }
        end
        return S
    end
    local function runAll(open, http, most)
        local mark, sent, runs = nil, 0, 0
        repeat
            local answer = History.run({ file = "x", mark = mark, url = "", device = {}, now = "" }, http, cjson, open)
            mark, sent, runs = answer.mark, sent + answer.sent, runs + 1
            assert(runs <= most, "it does not come to an end")
        until answer.ok and not answer.more
        return mark, sent, runs
    end

    test("history: 300,000 rows arrive once, a window at a time", function()
        local connection, open = database(rowsOf(300000, 40))
        local http = server()
        local mark, sent, runs = runAll(open, http, 20)
        same(http.count, 300000); same(sent, 300000); same(mark.rowid, 300000); same(mark.count, 300000)
        same(http.requests, 150); same(runs, 16)
        same(connection.most_rows, History.rows_each); same(connection.opened, connection.closed)
        assert(http.bytes < 200000, http.bytes)
    end)
    test("history: any pattern of failures loses no row and repeats at most the window that failed", function()
        for seed = 1, 30 do
            math.randomseed(seed)
            local _, open = database(rowsOf(9000, 7))
            local failed = 0
            local http = server(function()
                local how = ({ "before", "after", "html", false, false })[math.random(5)]
                failed = failed + (how and 1 or 0)
                return how
            end)
            local _, sent = runAll(open, http, 200)
            same(http.count, 9000); same(sent, 9000)
            same(http.requests, 5 + failed)
        end
    end)
    test("history: only what is new the second time, everything when rows went away", function()
        local rows = rowsOf(5000, 3)
        local connection, open = database(rows)
        local http = server()
        local mark = runAll(open, http, 5)
        rows[5001] = { 5001, 1, 9, 1500000000, 60, 300 } -- an older time under a newer rowid, as a merge of databases leaves it
        local answer = History.run({ file = "x", mark = mark, url = "", device = {}, now = "" }, http, cjson, open)
        same(answer.sent, 1); same(http.count, 5001)
        table.remove(rows, 1)
        answer = History.run({ file = "x", mark = answer.mark, url = "", device = {}, now = "" }, http, cjson, open)
        same(answer.sent, 5000); same(http.count, 5001); same(connection.opened, connection.closed)
    end)
end

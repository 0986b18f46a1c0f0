-- Names of downloads: what people and libraries write can't leave the folder, and FAT32 can hold it.
return function(test, same)
    local T = require("tomesync/templates")
    local function path(book, folder, name) return T.path(folder or "{kind}/{series}", name or "{index:00} - {title}", book) end
    test("templates: the usual", function()
        same(path{ kind = "comic", series = "Saga", index = 1, title = "One", format = "CBZ" }, "comic/Saga/01 - One.cbz")
        same(path{ kind = "book", series = "S", index = 1.5, title = "Half", format = "EPUB" }, "book/S/01.5 - Half.epub")
        same(path{ kind = "book", title = "Alone", format = "EPUB" }, "book/Alone.epub")
        same(path({ title = "T", index = 12, authors = { "A", "B" }, format = "PDF" }, "{author}", "{title} [{index}]"), "A/T [12].pdf")
        same(path({ title = "T", format = "EPUB" }, "", "{series} - {title}"), "T.epub")
    end)
    test("templates: nothing leaves the folder", function()
        for _, evil in ipairs{ "..", "../../etc", "...", "/", "\\..\\..", "con", "a/b", "nul.txt", " . ", "x:\0y", "\255\254", ("ü"):rep(400) } do
            local p = path{ kind = evil, series = evil, index = 3, title = evil, format = "EPUB" }
            assert(not p:find("^/") and not p:find("//", 1, true) and not p:find("[%z\1-\31\\:*?\"<>|]"), p)
            for part in p:gmatch("[^/]+") do
                assert(part ~= ".." and part ~= "." and not part:find("[%. ]$") and not part:find("^%."), p)
                assert(#part <= 210, #part)
            end
        end
        same(path{ kind = "con", series = "NUL", index = 1, title = "aux", format = "EPUB" }, "_con/_NUL/01 - aux.epub")
    end)
    test("templates: faults are named", function()
        same(T.fault("{kind}/{series}"), nil); same(T.fault("{index:00} - {title}"), nil); same(T.fault("{volume}"), "volume"); same(T.fault("{title:00}"), "title:00")
    end)
    test("templates: formats", function()
        local formats = { { format = "PDF" }, { format = "EPUB" } }
        same(T.choose("EPUB PDF", formats).format, "EPUB"); same(T.choose("CBZ", formats).format, "PDF"); same(T.choose("EPUB", {}), nil)
    end)
    local Library = require("tomesync/library")
    test("library: rows are taken only when they are some", function()
        same(Library.book(nil), nil); same(Library.book({ book_uuid = "../x" }), nil)
        local b = Library.book({ book_uuid = "a-1", title = 7, authors = { "A", 3 }, formats = { { format = "epub", size = "x" }, { format = "../.." }, 5 } })
        same(b.title, "?"); same(#b.authors, 1); same(#b.formats, 1); same(b.formats[1].format, "EPUB"); same(b.formats[1].size, nil)
    end)
end

-- Calibre's list on the device: found, compared, remembered; whatever is in it, nothing breaks.
return function(test, same)
    local CalibreList = require("tomesync/calibre_list")
    local Paths = require("tomesync/paths")
    local cjson = require("cjson")
    local lfs = require("lfs")
    local A, B = "0e9e1a1e-0000-4000-8000-00000000000a", "0E9E1A1E-0000-4000-8000-00000000000B"

    local function find(text, path) return CalibreList.find(cjson.decode, CalibreList.index(cjson.decode, text), path) end
    local function entry(lpath, uuid, more)
        local object = more or {}
        object.lpath, object.uuid = lpath, uuid
        return cjson.encode(object)
    end

    test("a list: exact before folded, and no contradiction", function()
        local list = "[" .. entry("Books/a.epub", A) .. ",\n " .. entry("books/A.epub", B) .. "," .. entry("\\u661f x.epub", A) .. "]"
        same(find(list, "Books/a.epub"), A); same(find(list, "books/A.epub"), B:lower()); same(find(list, "BOOKS/A.EPUB"), nil)
        same(find(list, "a.epub"), nil); same(find(list, "Books/a.epub2"), nil)
        same(find("[" .. entry("x/Y.epub", B) .. "]", "X/y.EPUB"), B:lower())
        same(find("[" .. entry("x", A) .. "," .. entry("x", B) .. "]", "x"), nil)
        same(find('[ { "uuid" : "' .. A .. '", "lpath" : "\\u661f\\/\\"q\\".epub" } ]', '星/"q".epub'), A)
    end)
    test("a list: braces and quotes in texts, and an lpath that is not the entry's own", function()
        local list = "[" .. entry("a", A, { comments = 'x"]}{[\\', authors = { "]" } }) .. "," .. entry("b", B, { title = '"lpath":"a"' }) .. "]"
        same(find(list, "a"), A); same(find(list, "b"), B:lower())
        same(find('[{"user":{"lpath":"a"},"uuid":"' .. A .. '"}]', "a"), nil)
    end)
    test("a hostile list changes nothing", function()
        local good = entry("a", A)
        for _, text in ipairs{ "", "null", "[", "[[", "{", "]" .. good, "\0", '["', '[{"lpath":"a","uuid":7}]', '[{"lpath":7,"uuid":"' .. A .. '"}]',
            '[{"lpath":"a","uuid":"../../etc"}]', '[{"lpath":"a","uuid":"' .. A .. '","n":1e999999,}]', ("["):rep(1e6), ('[{"lpath":"a","x":'):rep(1e5),
            '[{"lpath":"a","uuid":"' .. A .. '","x":' .. ("["):rep(1e5) .. ("]"):rep(1e5) .. "}]", ("\\"):rep(1e5), '["' .. ("\\"):rep(1e5) } do
            same(find(text, "a"), nil)
        end
        same(find("[" .. '{"x":' .. ("["):rep(1e5) .. ("]"):rep(1e5) .. "}," .. good .. "]", "a"), A) -- the others still count
        same(find("[" .. good .. ',{"torn":"', "a"), A)
    end)
    test("property: any cut or changed byte of a list gives the truth or nothing", function()
        local list = "[" .. entry("d/a.epub", A, { title = 'q"\\{' }) .. "," .. entry("d/b.epub", B) .. "]"
        for seed = 1, 2000 do
            math.randomseed(seed)
            local at = math.random(#list)
            local text = seed % 2 == 0 and list:sub(1, at) or list:sub(1, at - 1) .. string.char(math.random(0, 255)) .. list:sub(at + 1)
            local found = find(text, "d/a.epub")
            assert(found == nil or #found == 36, found)
        end
    end)
    test("identifiers: added once, and into a line without making it anew", function()
        same(CalibreList.added(nil, A), "calibre:" .. A); same(CalibreList.added("isbn:9\ncalibre:12", A), "calibre:" .. A .. "\nisbn:9\ncalibre:12")
        same(CalibreList.added("calibre:" .. B, A), "calibre:" .. B)
        for _, told in ipairs{ "none", "", "isbn:9", 'a"b:1\nuuid:x', "calibre:" .. B } do
            local book = { filename = 'n "book":{.epub', identifiers = told ~= "none" and told or nil }
            local line = '{"id":"1","text":' .. cjson.encode('"book":{') .. ',"book":' .. cjson.encode(book) .. ',"page_times":[]}'
            local made = CalibreList.intoLine(line, book, A)
            local event = cjson.decode(made)
            same(event.book.identifiers, CalibreList.added(book.identifiers, A)); same(event.book.filename, book.filename)
            assert(made:find('"page_times":[]', 1, true))
        end
        same(CalibreList.intoLine('{"id":"1","book":{}}', {}, A), '{"id":"1","book":{}}')
    end)

    local root = os.tmpname(); os.remove(root)
    local function write(path, text) local f = assert(io.open(path, "wb")); f:write(text); f:close() end
    test("the list above a file is found, read once and again when it changed", function()
        for _, dir in ipairs{ "", "/books", "/books/x" } do lfs.mkdir(root .. dir) end
        local reads = 0
        local json = { encode = cjson.encode, decode = function(t) reads = reads + (t:find("lpath", 1, true) and 1 or 0); return cjson.decode(t) end }
        local function ask(file)
            local lists = CalibreList.new(lfs.attributes, json, root .. "/memory")
            local uuid = lists:uuidOf(file)
            lists:save()
            return uuid
        end
        local file = root .. "/books/x/a.epub"
        same(ask(file), nil); same(lfs.attributes(root .. "/memory"), nil)
        write(root .. "/.metadata.calibre", "[" .. entry("books/x/a.epub", A) .. "]")
        same(ask(file), A); same(reads, 1); same(ask(file), A); same(reads, 1)
        write(root .. "/books/metadata.calibre", "[" .. entry("x/a.epub", B) .. "]")
        same(ask(file), B:lower()) -- the nearer one
        same(ask(root .. "/books/x/other.epub"), nil)
        os.remove(root .. "/memory")
        local whole = CalibreList.index
        local function die() -- in the middle of a list
            CalibreList.index = function() error("died") end
            pcall(ask, file)
            CalibreList.index = whole
        end
        die(); same(ask(file), B:lower())
        os.remove(root .. "/memory")
        die(); die(); same(ask(file), A) -- left alone after two deaths: the other list is asked
        write(root .. "/memory", "[7,{]")
        same(ask(file), B:lower())
        write(root .. "/memory", cjson.encode{ [file] = 7 }); same(ask(file), B:lower())
        same(CalibreList.new(lfs.attributes, json, root .. "/memory"):uuidOf("a.epub"), nil)
    end)
    test("paths are remembered over restarts and stay few", function()
        local name = root .. "/paths"
        local one, two = { filename = "a.epub", partial_md5 = "1" }, { filename = "a.epub", partial_md5 = "2" }
        local paths = Paths.new(name)
        paths:note(one, "/m/a.epub"); paths:note(two, "/n/a.epub"); paths:note(one, "/o/a.epub"); paths:note({ filename = "b\n" }, "/b\n"); paths:note(one, "rel")
        paths = Paths.new(name)
        same(paths.known[Paths.key(one)], "/o/a.epub"); same(paths.known[Paths.key(two)], "/n/a.epub")
        for n = 1, 2500 do paths:note({ filename = n .. ".epub" }, "/" .. n .. ".epub") end
        local known = Paths.new(name).known
        same(known[Paths.key{ filename = "2500.epub" }], "/2500.epub"); same(known[Paths.key{ filename = "1.epub" }], nil)
    end)
    os.execute("rm -rf '" .. root .. "'")
end

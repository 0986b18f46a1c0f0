--- Folders and file names of downloads, by template: pure. What a person or a library wrote can't leave the folder.
--
-- Tokens: {kind} {series} {title} {author} {index} {index:00} {format}. A token without a value leaves nothing behind,
-- the signs around it included, and a folder without a name is left out.
local Text = require("tomesync/text")

local Templates = {}

Templates.most_characters = 100
local tokens = { kind = true, series = true, title = true, author = true, index = true, format = true }
local reserved = { con = true, prn = true, aux = true, nul = true }
for i = 0, 9 do
    reserved["com" .. i], reserved["lpt" .. i] = true, true
end

--- A name that FAT32, Android and people can hold; "" when nothing is left.
function Templates.safe(name)
    name = Text.valid(name):gsub("[%z\1-\31\127]", ""):gsub('[\\/:*?"<>|]', "_")
    name = Text.first(Text.squeezed(name), Templates.most_characters):gsub("^[%s%.]+", ""):gsub("[%s%.]+$", "")
    if reserved[(name:match("^[^%.]*") or ""):lower()] then
        name = "_" .. name
    end
    return name
end

local function number(index, zeros)
    local whole = math.floor(index)
    local text = zeros and ("%0" .. #zeros .. "d"):format(whole) or tostring(whole)
    local rest = ("%g"):format(index - whole):match("%.%d+$")
    return text .. (rest or "")
end

local function value(book, name, zeros)
    if name == "index" then
        return type(book.index) == "number" and number(book.index, zeros) or ""
    elseif name == "author" then
        return (book.authors or {})[1] or ""
    end
    return tostring(book[name] or "")
end

local function segment(template, book)
    local missing = false
    local text = template:gsub("{(%l+):?(0*)}", function(name, zeros)
        local found = value(book, name, zeros ~= "" and zeros or nil)
        missing = missing or found == ""
        return found
    end)
    if missing then
        text = text:gsub("^[%s%-_,%.]+", ""):gsub("[%s%-_,%.]+$", "")
    end
    return Templates.safe(text)
end

--- nil when the template can be used, else the first token it should not have.
function Templates.fault(template)
    for name in template:gmatch("{([^}]*)}") do
        if not tokens[name:match("^(%l+)$") or name:match("^(index):0+$") or ""] then
            return name
        end
    end
    return template:match("[{}]") and not template:match("{[^{}]*}") and template or nil
end

--- The path below the download folder, without a slash at its begin: "comic/Saga/01 - One.cbz".
-- book: { kind, series, index, title, authors, format }.
function Templates.path(folder_template, name_template, book)
    local parts = {}
    for template in folder_template:gmatch("[^/]+") do
        local name = segment(template, book)
        if name ~= "" then
            parts[#parts + 1] = name
        end
    end
    local name = segment(name_template:gsub("/", "_"), book)
    if name == "" then
        name = Templates.safe(book.title or "")
    end
    parts[#parts + 1] = (name ~= "" and name or "book") .. "." .. Templates.safe(book.format or "epub"):lower()
    return table.concat(parts, "/")
end

--- The format to take: the first of the preferred ones that the book has, else its first. formats: list of { format = … }.
function Templates.choose(preferred, formats)
    for wanted in preferred:upper():gmatch("%S+") do
        for _, entry in ipairs(formats) do
            if entry.format == wanted then
                return entry
            end
        end
    end
    return formats[1]
end

return Templates

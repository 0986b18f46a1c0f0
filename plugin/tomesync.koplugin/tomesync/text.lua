--- Pure text helpers: bytes from a book or a file name become text that JSON and a FAT32 card can hold.
local Text = {}

-- The length of the valid UTF-8 sequence at byte i, or nil.
local function sequenceAt(s, i)
    local a, b, c, d = s:byte(i, i + 3)
    local function tail(x)
        return x and x >= 0x80 and x < 0xC0
    end
    if a < 0x80 then
        return 1
    elseif a >= 0xC2 and a < 0xE0 then
        return tail(b) and 2 or nil
    elseif a >= 0xE0 and a < 0xF0 then
        if not (tail(b) and tail(c)) or (a == 0xE0 and b < 0xA0) or (a == 0xED and b >= 0xA0) then
            return nil
        end
        return 3
    elseif a >= 0xF0 and a < 0xF5 then
        if not (tail(b) and tail(c) and tail(d)) or (a == 0xF0 and b < 0x90) or (a == 0xF4 and b >= 0x90) then
            return nil
        end
        return 4
    end
end

--- The same text with every byte that is not UTF-8 replaced by "?". An encoder would pass such bytes through
--- and the server would refuse the whole batch for one file name.
function Text.valid(s)
    if not s:find("[\128-\255]") then
        return s
    end
    local out, i = {}, 1
    while i <= #s do
        local n = sequenceAt(s, i)
        out[#out + 1] = n and s:sub(i, i + n - 1) or "?"
        i = i + (n or 1)
    end
    return table.concat(out)
end

--- The first `count` characters (not bytes) of a valid UTF-8 text.
function Text.first(s, count)
    local bytes = 0
    for char in s:gmatch("[%z\1-\127\194-\244][\128-\191]*") do
        if count == 0 then
            break
        end
        count, bytes = count - 1, bytes + #char
    end
    return s:sub(1, bytes)
end

--- White space squeezed to single blanks, none at the ends.
function Text.squeezed(s)
    return (s:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

--- A string that says something, or nil: null of the JSON library is a userdata and true in Lua.
function Text.orNil(value)
    if type(value) == "string" and value ~= "" then
        return value
    end
end

--- Lines of a text as a list without empty ones; nil when there are none.
function Text.lines(s)
    local list = {}
    for line in (Text.orNil(s) or ""):gmatch("[^\r\n]+") do
        list[#list + 1] = Text.valid(line)
    end
    return list[1] and list or nil
end

return Text

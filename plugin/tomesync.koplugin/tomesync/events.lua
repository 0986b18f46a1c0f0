--- The events of the protocol, each as one line of JSON. Pure but for the encoder that is handed in.
--
-- A line begins with {"id":"…" so that its id can be told without decoding it; then comes "clock", the stamp of its
-- moment (tomesync/clock), where there is one. The child that sends it takes that off again.
local Text = require("tomesync/text")
local Times = require("tomesync/times")

local Events = {}
Events.most_page_times = 2000

local function line(encode, id, fields, clock)
    return '{"id":"' .. id .. '",' .. (clock and '"clock":"' .. clock .. '",' or "") .. encode(fields):sub(2)
end

--- The id of a line, or nil when it is none of ours (torn by a power loss).
function Events.idOf(text)
    return text:match('^{"id":"([%w%-]+)",.*}$')
end

-- A fraction that the server takes: finite, 0..1.
local function fraction(value)
    if type(value) == "number" and value == value then
        return math.max(0, math.min(1, value))
    end
end

--- One sitting. An end place is told only when the reader moved: lying open at an old page is no news about the place.
function Events.session(encode, sitting, book, clock)
    local page_times
    if #sitting.page_times <= Events.most_page_times then
        page_times = sitting.page_times
    end
    local moved = sitting.moved
    return line(encode, sitting.id, {
        type = "session", at = Times.format(sitting.ended_at), book = book,
        started_at = Times.format(sitting.started_at), ended_at = Times.format(sitting.ended_at),
        active_s = sitting.active_s, pages_turned = sitting.pages_turned,
        start_fraction = moved and fraction(sitting.start.fraction) or nil,
        end_fraction = moved and fraction(sitting.place.fraction) or nil,
        locator = moved and sitting.place.locator or nil, text = moved and sitting.place.text or nil,
        page_times = page_times, total_pages = sitting.total_pages,
    }, clock)
end

function Events.position(encode, id, at, place, book, clock)
    return line(encode, id, {
        type = "position", at = Times.format(at), book = book,
        fraction = fraction(place.fraction) or 0, locator = place.locator, text = place.text,
    }, clock)
end

--- status: KOReader's word or nil, rating: 1..5 stars or nil (0 takes the rating back).
function Events.status(encode, id, at, status, rating, book, clock)
    return line(encode, id, {
        type = "status", at = Times.format(at), book = book, status = status, rating = rating and rating * 2 or nil,
    }, clock)
end

--- What is known of a file, as the server wants it. facts: file, partial_md5, book_uuid, props (KOReader's doc_props).
function Events.book(facts)
    local props = facts.props or {}
    local name = facts.file and facts.file:match("[^/]+$")
    local function text(value)
        value = Text.orNil(value)
        return value and Text.valid(value)
    end
    local index = tonumber(props.series_index)
    return {
        book_uuid = text(facts.book_uuid), filename = text(name), partial_md5 = text(facts.partial_md5),
        identifiers = text(props.identifiers), title = text(props.title), authors = Text.lines(props.authors),
        series = text(props.series), series_index = index and index == index and index or nil,
    }
end

return Events

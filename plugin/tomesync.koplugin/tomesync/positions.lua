--- What to do with a place that another reader reached: pure.
local Positions = {}

--- Less than this apart is the same place when the exact places can't be compared.
Positions.same_fraction = 0.005

--- The policies a person may choose, for each direction.
Positions.policies = { "ask", "silent", "never" }
Positions.defaults = { ahead = "silent", behind = "ask" }

--- An XPointer without the [1] that some versions of KOReader write and others leave out.
function Positions.normalised(xpointer)
    return (xpointer:gsub("%[1%]", ""))
end

--- The parents of an XPointer, nearest first, down to the chapter's body.
function Positions.parents(xpointer)
    local list = {}
    local path = xpointer:gsub("%.%-?%d+$", "")
    if path ~= xpointer then
        list[1] = path
    end
    while true do
        path = path:match("^(.*)/[^/]+$")
        if not path or not path:find("DocFragment", 1, true) or path:match("DocFragment[^/]*$") then
            return list
        end
        list[#list + 1] = path
    end
end

local function isNumber(x)
    return type(x) == "number" and x == x and x >= 0 and x <= 1
end

--- The server's position if it can be trusted, else nil: { fraction, locator, at, device, status }.
function Positions.validated(position)
    if type(position) ~= "table" or not isNumber(position.fraction) then
        return nil
    end
    local function text(x)
        return type(x) == "string" and x or nil
    end
    local locator = position.locator
    if type(locator) ~= "table" or type(locator.kind) ~= "string" or type(locator.value) ~= "string" or #locator.value > 2000 then
        locator = nil
    end
    return {
        fraction = position.fraction, locator = locator and { kind = locator.kind, value = locator.value },
        at = text(position.at), device = text(position.device), status = text(position.status),
    }
end

--- "same", "ahead" or "behind": where the server's place is as seen from here.
function Positions.compare(here, there)
    if here.locator and there.locator and here.locator.kind == there.locator.kind
            and Positions.normalised(here.locator.value) == Positions.normalised(there.locator.value) then
        return "same"
    end
    local delta = there.fraction - here.fraction
    if math.abs(delta) < Positions.same_fraction then
        return "same"
    end
    return delta > 0 and "ahead" or "behind"
end

--- What to do: "nothing", "ask" or "go". policies: { ahead, behind }; declined_at: the `at` that a person said no to.
function Positions.decide(here, there, policies, declined_at)
    local where = Positions.compare(here, there)
    if where == "same" or (there.at and there.at == declined_at) then
        return "nothing", where
    end
    local policy = policies[where] or Positions.defaults[where]
    return policy == "silent" and "go" or policy == "ask" and "ask" or "nothing", where
end

return Positions

--- Reads what a server said, trusting nothing: hotel portals answer 200 with HTML, null is a userdata and true in Lua.
local Answers = {}

local results = { accepted = true, duplicate = true, rejected = true }

local function text(value)
    return type(value) == "string" and value or nil
end

-- What a person can do about a status, by code.
local function refusal(status, detail)
    if status == 401 or status == 403 then
        return "refused", "key", detail
    elseif status == 426 then
        return "refused", "plugin_too_old", detail
    elseif status == 413 then
        return "too_large", "too_large", detail
    elseif status >= 300 and status < 400 then
        return "failed", "redirected", detail
    end
    return "failed", "status", detail
end

--- The table of a JSON answer that is an object, or nil.
function Answers.object(decode, body)
    if type(body) ~= "string" then
        return nil
    end
    local ok, value = pcall(decode, body)
    return ok and type(value) == "table" and value or nil
end

--- Judges status and body of any call. Returns the object, or nil and { outcome, code, status, detail }.
function Answers.judge(decode, status, body)
    status = tonumber(status) or 0
    local object = Answers.object(decode, body)
    if status >= 200 and status < 300 then
        if object then
            return object
        end
        return nil, { outcome = "failed", code = "not_tomed", status = status }
    end
    local outcome, code, detail = refusal(status, object and text(object.detail))
    return nil, { outcome = outcome, code = code, status = status, detail = detail }
end

--- The answer of /sync. asked: set of the ids that were sent; wants: how many positions were asked for.
-- Returns { acknowledged = set of ids, rejected = n, reason, positions = { [want] = … }, now }, or nil and a failure.
function Answers.sync(decode, status, body, asked, wants)
    local object, failure = Answers.judge(decode, status, body)
    if not object then
        return nil, failure
    end
    if object.service ~= "tomed" or type(object.results) ~= "table" then
        return nil, { outcome = "failed", code = "not_tomed", status = status }
    end
    local answer = { acknowledged = {}, rejected = 0, positions = {}, now = text(object.now), min_plugin = text(object.min_plugin) }
    for _, result in ipairs(object.results) do
        if type(result) == "table" and text(result.id) and asked[result.id] and results[result.result] then
            answer.acknowledged[result.id] = true
            if result.result == "rejected" then
                answer.rejected, answer.reason = answer.rejected + 1, text(result.reason) or answer.reason
            end
        end
    end
    for _, entry in ipairs(type(object.positions) == "table" and object.positions or {}) do
        if type(entry) == "table" and type(entry.want) == "number" and entry.want >= 0 and entry.want < wants then
            answer.positions[#answer.positions + 1] = {
                want = entry.want, title = text(entry.title), book_uuid = text(entry.book_uuid),
                matched_by = text(entry.matched_by), code = text(entry.code),
                position = type(entry.position) == "table" and entry.position or nil, status = text(entry.status),
                rating = type(entry.rating) == "number" and entry.rating or nil,
            }
        end
    end
    return answer
end

return Answers

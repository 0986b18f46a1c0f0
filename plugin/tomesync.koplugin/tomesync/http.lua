--- One HTTP request, for a child process: it blocks, and the parent kills the child that takes too long.
local Http = {}

--- A server answer that is longer than this is none of ours.
Http.most_bytes = 4 * 1024 * 1024

-- Collects chunks until there are too many bytes or it took too long; LuaSocket's own total starts anew at each read.
local function boundedSink(chunks, most_bytes, deadline)
    local bytes = 0
    return function(chunk)
        if chunk then
            bytes = bytes + #chunk
            if bytes > most_bytes then
                return nil, "too much"
            elseif os.time() > deadline then
                return nil, "timeout"
            end
            chunks[#chunks + 1] = chunk
        end
        return 1
    end
end

--- request: { method, url, token, body, headers, block_s, total_s, ca_file, sink }.
-- Returns status, body, headers; or nil and a word about what went wrong.
function Http.request(request)
    local socketutil = require("socketutil")
    local ltn12 = require("ltn12")
    local is_https = request.url:match("^https:") ~= nil
    local client = is_https and require("ssl.https") or require("socket.http")
    local headers = { ["accept"] = "application/json", ["authorization"] = request.token and "Bearer " .. request.token or nil }
    if request.body then
        headers["content-type"] = "application/json"
        headers["content-length"] = tostring(#request.body)
    end
    for name, value in pairs(request.headers or {}) do
        headers[name] = value
    end
    local chunks, total_s = {}, request.total_s or 25
    socketutil:set_timeout(request.block_s or 10, total_s)
    local arguments = {
        method = request.method or "GET", url = request.url, headers = headers, redirect = false,
        source = request.body and ltn12.source.string(request.body) or nil,
        sink = request.sink or boundedSink(chunks, request.most_bytes or Http.most_bytes, os.time() + total_s),
    }
    if is_https and request.ca_file then
        arguments.verify, arguments.cafile = "peer", request.ca_file
    end
    local ok, done, status, answer_headers = pcall(client.request, arguments)
    socketutil:reset_timeout()
    if not ok then
        return nil, tostring(done)
    elseif not done then
        return nil, tostring(status)
    end
    return tonumber(status) or 0, table.concat(chunks), answer_headers or {}
end

return Http

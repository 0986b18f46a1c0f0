--- The one worker: runs a function in a forked child and polls for its answer, so that the reader never waits.
--
-- Module-level, because plugin instances die whenever a book is opened or closed. Two lanes, so that nothing waits for a
-- long file: one child talks to the server, at most two load files. A job a person waits for (`urgent`) goes first and
-- ends a background child of its lane; every request can be made again without harm.
local UIManager = require("ui/uimanager")
local ffiutil = require("ffi/util")
local logger = require("logger")
local rapidjson = require("rapidjson")

local Worker = { waiting = {}, running = {} }

--- How many children each lane may have.
Worker.lanes = { talk = 1, files = 2 }
--- A pipe holds 64 KiB; a longer answer goes through a file.
Worker.most_piped = 60000
Worker.first_poll_s, Worker.slowest_poll_s = 0.125, 1

local poll

-- What the child does: run, encode, write, end. Its collector is stopped: marking would copy every page it shares.
local function childMain(job, fd)
    collectgarbage("stop")
    local ok, result = pcall(job.run, job)
    if not ok then
        result = { ok = false, code = "error", detail = tostring(result) }
    end
    local encoded, text = pcall(rapidjson.encode, result)
    if not encoded then
        text = '{"ok":false,"code":"error","detail":"unencodable answer"}'
    end
    if #text > Worker.most_piped then
        local file = io.open(job.answer_file, "w")
        if file then
            file:write(text)
            file:close()
        end
        text = '{"in_file":true}'
    end
    ffiutil.writeToFD(fd, text, true)
end

local function decoded(text)
    local ok, value = pcall(rapidjson.decode, text)
    return ok and type(value) == "table" and value or nil
end

local function readAnswer(job, text)
    local answer = decoded(text)
    if answer and answer.in_file then
        local file = io.open(job.answer_file, "r")
        answer = file and decoded(file:read("*a"))
        if file then
            file:close()
            os.remove(job.answer_file)
        end
    end
    return answer or { ok = false, code = "child_died" }
end

local function tell(job, answer)
    local ok, err = pcall(job.done, answer)
    if not ok then
        logger.warn("tomesync:", err)
    end
end

-- A killed child still has to be collected; never waited for.
local function reap(pid, fd, tries)
    local ok, done = pcall(ffiutil.isSubProcessDone, pid)
    if ok and not done and tries > 0 then
        UIManager:scheduleIn(1, reap, pid, fd, tries - 1)
        return
    end
    if fd then
        pcall(ffiutil.readAllFromFD, fd)
    end
end

local function laneOf(job)
    return job.lane or "talk"
end

local function runningIn(lane)
    local list = {}
    for _, job in ipairs(Worker.running) do
        if laneOf(job) == lane then
            list[#list + 1] = job
        end
    end
    return list
end

-- All that run are looked at together, as often as the youngest of them needs.
local function schedulePoll()
    UIManager:unschedule(poll)
    local wait
    for _, job in ipairs(Worker.running) do
        wait = math.min(wait or job.wait, job.wait)
    end
    if wait then
        UIManager:scheduleIn(wait, poll)
    end
end

-- Takes a running job off the worker. The only place that gives back the standby that `start` took.
local function release(job)
    for i, other in ipairs(Worker.running) do
        if other == job then
            table.remove(Worker.running, i)
            UIManager:allowStandby()
            return
        end
    end
end

local function finish(job, answer)
    release(job)
    tell(job, answer)
    Worker.next()
end

local function kill(job)
    pcall(ffiutil.terminateSubProcess, job.pid)
    UIManager:scheduleIn(0.5, reap, job.pid, job.fd, 30)
end

local function lookAt(job)
    local readable = ffiutil.getNonBlockingReadSize(job.fd)
    local done = ffiutil.isSubProcessDone(job.pid)
    if (readable and readable > 0) or done then
        local text = ffiutil.readAllFromFD(job.fd) -- the child writes once and closes: this does not wait
        if not done then
            UIManager:scheduleIn(0.5, reap, job.pid, nil, 30)
        end
        return finish(job, readAnswer(job, text))
    end
    local now = os.time()
    if now - job.started > job.deadline_s or now < job.started - 60 then
        kill(job)
        return finish(job, { ok = false, code = "deadline" })
    end
    if job.progress then
        job.progress()
    end
    job.wait = math.min(job.wait * 1.5, Worker.slowest_poll_s)
end

local function isRunning(job)
    for _, other in ipairs(Worker.running) do
        if other == job then
            return true
        end
    end
    return false
end

-- An error in a scheduled function would end KOReader.
poll = function()
    for _, job in ipairs{ unpack(Worker.running) } do -- a copy: what ends makes room for the next
        if isRunning(job) then
            local ok, err = pcall(lookAt, job)
            if not ok then
                logger.warn("tomesync:", err)
                if isRunning(job) then
                    kill(job)
                    finish(job, { ok = false, code = "error", detail = tostring(err) })
                end
            end
        end
    end
    schedulePoll()
end

local function start(job)
    job.started, job.wait = os.time(), Worker.first_poll_s
    local ok, pid, fd = pcall(ffiutil.runInSubProcess, function(_, write_fd)
        childMain(job, write_fd)
    end, true)
    if not ok or not pid then
        Worker.cannot_fork = true
        tell(job, { ok = false, code = "cannot_fork", detail = tostring(ok and fd or pid) })
        return
    end
    Worker.cannot_fork = false
    job.pid, job.fd = pid, fd
    table.insert(Worker.running, job)
    UIManager:preventStandby()
    schedulePoll()
end

-- The first that waits and whose lane has room.
local function takeNext()
    for i, job in ipairs(Worker.waiting) do
        if #runningIn(laneOf(job)) < Worker.lanes[laneOf(job)] then
            return table.remove(Worker.waiting, i)
        end
    end
end

function Worker.next()
    local job = takeNext()
    while job do
        start(job)
        job = takeNext()
    end
end

--- Is anything running or waiting (of this name)?
function Worker.isBusy(name)
    for _, list in ipairs{ Worker.running, Worker.waiting } do
        for _, job in ipairs(list) do
            if not name or job.name == name then
                return true
            end
        end
    end
    return false
end

--- job: { name, run = function(job) -> table (in the child), done = function(answer), deadline_s, lane, urgent, progress,
--- answer_file }. `done` is always called, exactly once, later or (no fork) at once; its argument is a table.
function Worker.submit(job)
    if job.urgent then
        local running = runningIn(laneOf(job))
        for _, other in ipairs(#running >= Worker.lanes[laneOf(job)] and running or {}) do
            if not other.urgent then
                kill(other)
                release(other)
                tell(other, { ok = false, code = "preempted" })
                break
            end
        end
        local i = 1
        while Worker.waiting[i] and Worker.waiting[i].urgent do
            i = i + 1
        end
        table.insert(Worker.waiting, i, job)
    else
        table.insert(Worker.waiting, job)
    end
    Worker.next()
end

--- Ends a job, or all of a name, running or waiting. Its `done` gets { ok = false, code = "cancelled" }.
function Worker.cancel(which)
    local function isMeant(job)
        return job == which or job.name == which
    end
    for i = #Worker.waiting, 1, -1 do
        local job = Worker.waiting[i]
        if job and isMeant(job) then
            table.remove(Worker.waiting, i)
            tell(job, { ok = false, code = "cancelled" })
        end
    end
    for _, job in ipairs{ unpack(Worker.running) } do
        if isMeant(job) and isRunning(job) then
            kill(job)
            finish(job, { ok = false, code = "cancelled" })
        end
    end
end

--- Ends all that runs or waits.
function Worker.cancelAll()
    while Worker.waiting[1] or Worker.running[1] do
        Worker.cancel((Worker.waiting[1] or Worker.running[1]).name)
    end
end

return Worker

--- The one worker: runs a function in a forked child and polls for its answer, so that the reader never waits.
--
-- Module-level, because plugin instances die whenever a book is opened or closed. One child at a time. A job a person
-- waits for (`urgent`) goes first and ends a background child; every request can be made again without harm.
local UIManager = require("ui/uimanager")
local ffiutil = require("ffi/util")
local logger = require("logger")
local rapidjson = require("rapidjson")

local Worker = { waiting = {} }

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

-- Takes the running job off the worker. The only place that gives back the standby that `start` took.
local function release()
    local job = Worker.running
    Worker.running = nil
    UIManager:unschedule(poll)
    UIManager:allowStandby()
    return job
end

local function finish(answer)
    local job = release()
    tell(job, answer)
    Worker.next()
end

local function kill(job)
    pcall(ffiutil.terminateSubProcess, job.pid)
    UIManager:scheduleIn(0.5, reap, job.pid, job.fd, 30)
end

local function look()
    local job = Worker.running
    if not job then
        return
    end
    local readable = ffiutil.getNonBlockingReadSize(job.fd)
    local done = ffiutil.isSubProcessDone(job.pid)
    if (readable and readable > 0) or done then
        local text = ffiutil.readAllFromFD(job.fd) -- the child writes once and closes: this does not wait
        if not done then
            UIManager:scheduleIn(0.5, reap, job.pid, nil, 30)
        end
        return finish(readAnswer(job, text))
    end
    local now = os.time()
    if now - job.started > job.deadline_s or now < job.started - 60 then
        kill(job)
        return finish{ ok = false, code = "deadline" }
    end
    if job.progress then
        job.progress()
    end
    job.wait = math.min(job.wait * 1.5, Worker.slowest_poll_s)
    UIManager:scheduleIn(job.wait, poll)
end

-- An error in a scheduled function would end KOReader.
poll = function()
    local ok, err = pcall(look)
    if not ok then
        logger.warn("tomesync:", err)
        if Worker.running then
            kill(Worker.running)
            finish{ ok = false, code = "error", detail = tostring(err) }
        end
    end
end

local function start(job)
    job.started, job.wait = os.time(), Worker.first_poll_s
    local ok, pid, fd = pcall(ffiutil.runInSubProcess, function(_, write_fd)
        childMain(job, write_fd)
    end, true)
    if not ok or not pid then
        Worker.cannot_fork = true
        tell(job, { ok = false, code = "cannot_fork", detail = tostring(ok and fd or pid) })
        return false
    end
    Worker.cannot_fork = false
    job.pid, job.fd = pid, fd
    Worker.running = job
    UIManager:preventStandby()
    UIManager:scheduleIn(job.wait, poll)
    return true
end

function Worker.next()
    while not Worker.running and Worker.waiting[1] do
        start(table.remove(Worker.waiting, 1))
    end
end

--- Is anything running or waiting (of this name)?
function Worker.isBusy(name)
    local function matches(job)
        return job and (not name or job.name == name)
    end
    if matches(Worker.running) then
        return true
    end
    for _, job in ipairs(Worker.waiting) do
        if matches(job) then
            return true
        end
    end
    return false
end

--- job: { name, run = function(job) -> table (in the child), done = function(answer), deadline_s, urgent, progress,
--- answer_file }. `done` is always called, exactly once, later or (no fork) at once; its argument is a table.
function Worker.submit(job)
    if job.urgent then
        local running = Worker.running
        if running and not running.urgent then
            kill(running)
            release()
            tell(running, { ok = false, code = "preempted" })
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

--- Ends a job of this name, running or waiting. Its `done` gets { ok = false, code = "cancelled" }.
function Worker.cancel(name)
    for i = #Worker.waiting, 1, -1 do
        if Worker.waiting[i].name == name then
            tell(table.remove(Worker.waiting, i), { ok = false, code = "cancelled" })
        end
    end
    local running = Worker.running
    if running and running.name == name then
        kill(running)
        finish{ ok = false, code = "cancelled" }
    end
end

return Worker

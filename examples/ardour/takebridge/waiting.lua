-- The hook's work, ten times a second: reads the server's replies, shows progress, places takes, notices when the
-- server has stopped. Nothing here blocks.
local need = ...
local mailbox, message, notes, marker = need ("mailbox"), need ("message"), need ("notes"), need ("marker")
local placing, pulse = need ("placing"), need ("pulse")
local waiting = {}

-- Seconds, the same in every script of Takebridge. A server looks into its mailbox twenty times a second, but on a machine that
-- renders with all cores it may take seconds over it: a request that was not taken after 15 is withdrawn.
local PATIENCE = 15
local SILENCE = 4 -- seconds without news of a job, until we ask whether the server is still there
local KEPT = 24 * 3600 -- seconds the server keeps replies that no script reads
-- Looks; seconds of sound that Ardour surely draws between two of them. Ardour does not report it to scripts. Measured in 7.3: four
-- minutes of stereo were drawn 0.3 s after the import began, with six busy programs on two cores as without; here 2.2 s are waited.
local SETTLING, DRAWN = 10, 20

local states = {} -- name -> { from = byte of the answers, takes = {}, news = time }; read again after a restart of Ardour
local busy = false

local function end_job (job)
	notes.change (function (found) found.jobs[job.name] = nil end)
	marker.remove (job)
	mailbox.forget (job.name, #job.tracks, job.mailbox)
	states[job.name] = nil
end

local function words (failed)
	local remedy = failed.remedy and failed.remedy ~= "" and "\n\n" .. failed.remedy or ""
	return (failed.sentence or "The server gave no reason.") .. remedy
end

-- How many of something, as one says it.
local function counted (count, word)
	return string.format ("%d %s%s", count, word, count == 1 and "" or "s")
end

local function warn_unplaced (takes, problem)
	message.warn (string.format ("%s could not be placed: %s\n\nNothing is lost: `takebridge takes --save TAKE` writes takes to files; "
		.. "the first is %s.", counted (#takes, "take"), tostring (problem), takes[1].take))
end

-- The takes of an ended request, as regions that can be placed; nil while they cannot yet. Ardour draws the waveform of a
-- new file in the background, and 7.3 dies when that ends while the region leaves the screen (another take, an undo). So
-- the files come first and are placed some looks later, more of them the longer they are.
local function settled (job, state)
	if not state.ids then
		table.sort (state.takes, function (one, other)
			if one.number ~= other.number then return one.number < other.number end
			if one.track ~= other.track then return one.track < other.track end
			return one.stem < other.stem
		end)
		state.takes, state.ids = placing.bring (job, state.takes)
		state.looks = 0
	end
	state.looks = state.looks + 1
	local regions = placing.regions (state.ids)
	if not regions then -- another session was here meanwhile
		state.ids = nil
	elseif state.looks > SETTLING + placing.seconds (regions) / DRAWN then
		return regions
	end
end

local function place (job, state)
	local fine, placed = pcall (placing.place, job, state.takes, state.regions)
	if not fine then return warn_unplaced (state.takes, placed) end
	notes.change (function (found)
		for _, entry in ipairs (placed) do found.takes[#found.takes + 1] = entry end
	end)
	message.log (string.format ("%s %d: %s placed", job.task, job.number, counted (#placed, "take")))
	for _, take in ipairs (state.takes) do
		if take.warning and take.warning ~= "" then
			message.log (string.format ("take %d%s: %s", take.number, placing.place_of (job, take), take.warning))
		end
	end
end

local function percent (progress)
	local left = progress.seconds_left
	local rest = left and left >= 1 and string.format (", %d s left", math.floor (left + 0.5)) or ""
	return string.format ("%d %%%s", math.floor (progress.fraction * 100), rest)
end

-- What each kind of answer does. Those in `ENDS` are the last.
local ENDS = {
	done = function (job, state) place (job, state) end,
	failed = function (job, state, failed)
		if state.regions then place (job, state) end
		message.warn (string.format ("%s: %s", job.task, words (failed)))
	end,
	cancelled = function (job, _, reply)
		message.log (string.format ("%s %d: cancelled. %s", job.task, job.number, reply.reason or ""))
	end,
}

local function receive (job, state, answer)
	if answer.error then
		end_job (job)
		local data = type (answer.error.data) == "table" and answer.error.data or {}
		message.warn (string.format ("%s: %s", job.task, words { sentence = answer.error.message, remedy = data.remedy }))
	elseif answer.method == "progress" then
		marker.show (job, percent (answer.params))
	elseif answer.method == "take" then
		state.takes[#state.takes + 1] = answer.params
	elseif ENDS[answer.method] then
		state.last = answer
	end
end

-- Does what the last answer asks for, as soon as it can be done.
local function finish (job, state)
	if state.last.method ~= "cancelled" and #state.takes > 0 then
		local fine, found = pcall (settled, job, state)
		if not fine then
			end_job (job)
			return warn_unplaced (state.takes, found)
		end
		if not found then return end
		state.regions = found
	end
	end_job (job)
	ENDS[state.last.method] (job, state, state.last.params)
end

-- A request that no server took is taken back; one that was taken waits for the server to come again.
local function notice_silence (job, state)
	local now = os.time ()
	if now - state.news < SILENCE or state.gone then return end
	if not mailbox.taken (job.name, job.mailbox) then
		if now - state.news >= PATIENCE then
			mailbox.withdraw (job.name, job.mailbox)
			end_job (job)
			message.warn ("The Takebridge server is not responding. Nothing was changed. " .. message.START)
		end
	elseif not state.asked then
		state.asked, state.ping = now, mailbox.new_name ("ping")
		state.pinged = pcall (mailbox.send, state.ping, "status", { id = state.ping }, job.mailbox)
	elseif state.pinged and mailbox.taken (state.ping, job.mailbox) then
		mailbox.forget (state.ping, 0, job.mailbox)
		state.asked, state.news = nil, now
	elseif now - state.asked >= PATIENCE then
		mailbox.withdraw (state.ping, job.mailbox)
		state.asked, state.gone = nil, true
		marker.show (job, "server stopped")
		message.warn (string.format ("The Takebridge server stopped during %s %d. Nothing is lost: when you start it again with"
			.. "\n\n    takebridge serve\n\nit resumes the request and its takes arrive here. \"Takebridge: Cancel\" cancels it.",
			job.task, job.number))
	end
end

local function look_after (job)
	local state = states[job.name]
	if not state then
		state = { from = 0, takes = {}, news = os.time () }
		states[job.name] = state
		marker.show (job, "waiting")
	end
	local answers
	answers, state.from = mailbox.answers (job.name, state.from, job.mailbox)
	if #answers > 0 then
		state.news, state.gone, state.asked = os.time (), nil, nil
	elseif state.from == 0 and os.time () - job.asked > KEPT and mailbox.taken (job.name, job.mailbox) then
		end_job (job)
		message.log (string.format ("%s %d: its reply was deleted after a day; `takebridge takes` lists its takes", job.task, job.number))
		return
	end
	for _, answer in ipairs (answers) do
		if states[job.name] ~= state then return end
		receive (job, state, answer)
	end
	if states[job.name] ~= state then return end
	if state.last then finish (job, state) else notice_silence (job, state) end
end

-- An error is logged once and never ends the hook, nor keeps other requests waiting.
local function guarded (work, ...)
	local fine, problem = pcall (work, ...)
	if not fine and problem ~= waiting.logged then
		waiting.logged = problem
		pcall (message.log, "Error in the hook: " .. tostring (problem))
	end
end

-- Call this often.
function waiting.look ()
	if busy or not Session then return end
	busy = true
	guarded (pulse.beat)
	guarded (function ()
		for _, job in pairs (notes.read ().jobs) do guarded (look_after, job) end
	end)
	busy = false
end

return waiting

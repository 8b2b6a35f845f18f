-- The sound under a selection and around it.
local need = ...
local tempo_map = need ("tempo_map")
local song = {}

local CONTEXT_BARS = 8
local MIN_CONTEXT, MAX_CONTEXT = 5, 30 -- seconds on each side

-- First and last sample of regions that sound between two samples; nil where there are none. Also whether one is muted.
local function sounding (playlist, start, stop)
	local first, last, muted, channels = nil, nil, false, 0
	for region in playlist:region_list ():iter () do
		local from = region:position ():samples ()
		local to = from + region:length ():samples ()
		if to > start and from < stop then
			if region:muted () then
				muted = true
			else
				first, last = math.min (first or from, from), math.max (last or to, to)
				channels = math.max (channels, region:to_audioregion ():n_channels ())
			end
		end
	end
	return first, last, muted, channels
end

local function silence (start, stop, track, muted, words)
	if muted then return "The region under the selection is muted. Unmute it (Region > Mute) and try again." end
	return string.format ("There is no audio on %q %s (%s to %s). Select a range with audio.", track:name (), words,
		tempo_map.bar (start), tempo_map.bar (stop))
end

-- The span to send along, for selected spans on a track: { start, stop, channels }. `goes_on`: the region continues what
-- is before it, so it may itself be empty. Where the track is silent there, nil and a sentence. Raises a sentence.
function song.surroundings (spans, track, goes_on)
	local playlist = track:playlist ()
	local start, stop = spans[1].start, spans[#spans].stop
	local rate = Session:nominal_sample_rate ()
	local seconds = tempo_map.bars_seconds (start, CONTEXT_BARS)
	local context = math.floor (math.max (MIN_CONTEXT, math.min (seconds, MAX_CONTEXT)) * rate)
	local from, to = math.max (0, start - context), stop + context
	local first, last, _, channels = sounding (playlist, from, to)
	if goes_on then
		local before, _, before_muted = sounding (playlist, from, start)
		if not before then return nil, silence (from, start, track, before_muted, "before the selection to continue from") end
		to = last > start and math.max (start, math.min (to, last)) or start
	else
		for _, span in ipairs (spans) do
			local inside, _, muted = sounding (playlist, span.start, span.stop)
			if not inside then return nil, silence (span.start, span.stop, track, muted, "under the selection") end
		end
		to = math.max (stop, math.min (to, last))
	end
	if channels > 2 then
		error (string.format ("%q has regions of %d channels. Takebridge accepts mono and stereo.", track:name (), channels), 0)
	end
	return { start = math.min (start, math.max (from, first)), stop = to, channels = channels }
end

local PACKED = 200 -- numbers packed at once: Lua's stack has its limits

local function write_frames (file, channels, frames)
	local all = channels[1]
	if #channels == 2 then
		local left, right = channels[1], channels[2]
		all = {}
		for index = 1, frames do
			all[2 * index - 1], all[2 * index] = left[index], right[index]
		end
	end
	local count = frames * #channels
	local format = "<" .. string.rep ("f", PACKED)
	local parts = {}
	for index = 1, count - PACKED + 1, PACKED do
		parts[#parts + 1] = string.pack (format, table.unpack (all, index, index + PACKED - 1))
	end
	for index = count - count % PACKED + 1, count do parts[#parts + 1] = string.pack ("<f", all[index]) end
	assert (file:write (table.concat (parts)))
end

-- Writes what a track's playlist sounds like, dry, as 32 bit float: region gains and fades applied, gaps silent, no
-- plugins. Adds nothing to the session. `stereo`: mono is written on two channels. Raises a sentence.
function song.bounce (track, span, path, stereo)
	local playlist = track:playlist ():to_audioplaylist ()
	local rate = Session:nominal_sample_rate ()
	local file, problem = io.open (path, "wb")
	if not file then error ("The audio cannot be written: " .. problem, 0) end
	local written = stereo and 2 or span.channels
	local frames, width = span.stop - span.start, 4 * written
	file:write ("RIFF", string.pack ("<I4", 36 + frames * width), "WAVEfmt ",
		string.pack ("<I4I2I2I4I4I2I2", 16, 3, written, rate, rate * width, width, 32),
		"data", string.pack ("<I4", frames * width))
	local sound, mix, gain = ARDOUR.DSP.DspShm (rate), ARDOUR.DSP.DspShm (rate), ARDOUR.DSP.DspShm (rate)
	for start = span.start, span.stop - 1, rate do
		local count = math.min (rate, span.stop - start)
		local channels = {}
		for channel = 1, span.channels do
			playlist:read (sound:to_float (0), mix:to_float (0), gain:to_float (0),
				Temporal.timepos_t (start), Temporal.timecnt_t (count), channel - 1)
			channels[channel] = sound:to_float (0):get_table (count)
		end
		if written > span.channels then channels[2] = channels[1] end
		write_frames (file, channels, count)
	end
	file:close ()
end

return song

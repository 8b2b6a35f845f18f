-- What the producer selected: stretches of time on audio tracks.
local need = ...
local files = need ("files")
local selection = {}

local SELECT = "Select a range on an audio track first: choose the Range tool (key R), drag over the bars you want on "
	.. "the track, and press the key again. You can also select regions with the Grab tool (key G)."

local function id_of (object)
	return object:to_stateful ():id ():to_s ()
end

local function audio_tracks (routes)
	local found = {}
	for route in routes:iter () do
		local track = route:to_track ()
		if not track:isnil () and not track:to_audio_track ():isnil () then found[#found + 1] = track end
	end
	return found
end

-- Spans in order; those that overlap or touch are one.
local function joined (spans)
	table.sort (spans, function (one, other) return one.start < other.start end)
	local found = {}
	for _, span in ipairs (spans) do
		local last = found[#found]
		if last and span.start <= last.stop then
			last.stop = math.max (last.stop, span.stop)
		else
			found[#found + 1] = { start = span.start, stop = span.stop }
		end
	end
	return found
end

-- A position as Ardour saves it: "a" and so many parts of a second, or "b" and ticks of a quarter note.
local function saved_sample (text)
	local kind, count = text:match ("^(%l)(%d+)$")
	if kind == "b" then return Temporal.timepos_t.from_ticks (math.tointeger (count)):samples () end
	return math.tointeger (count) // (Temporal.superclock_ticks_per_second () // Session:nominal_sample_rate ())
end

-- 7.3 tells scripts how many ranges there are, the first sample and the last, but not each of them (its class for one has no
-- methods). It saves them, though, with the state of its editor, whenever the snap mode is set: here to what it is.
local function saved_ranges ()
	Editor:set_snap_mode (Editor:snap_mode ())
	local state = files.read (Session:path () .. "/instant.xml") or ""
	local spans = {}
	for from, to in state:gmatch ('<TimelineRange start="(%l%d+)" end="(%l%d+)"') do
		spans[#spans + 1] = { start = saved_sample (from), stop = saved_sample (to) }
	end
	return spans
end

-- What the Range tool selected; {} where it selected nothing. Raises a sentence.
local function ranges (time)
	local start, stop, count = time:start_sample (), time:end_sample (), time:size ()
	if stop <= start then return {} end
	if count == 1 then return { { start = start, stop = stop } } end
	local spans = saved_ranges ()
	local all = joined (spans)
	if #spans ~= count or all[1].start ~= start or all[#all].stop ~= stop then
		error (string.format ("This Ardour does not say where the %d selected ranges are. Select regions with the Grab tool "
			.. "(key G), or one range.", count), 0)
	end
	return all
end

-- The track whose playlist a region is on.
local function track_of (region, tracks)
	local id = region:to_stateful ():id ()
	for _, track in ipairs (tracks) do
		if not track:playlist ():region_by_id (id):isnil () then return track end
	end
end

local function same (one, other)
	if #one ~= #other then return false end
	for index, span in ipairs (one) do
		if span.start ~= other[index].start or span.stop ~= other[index].stop then return false end
	end
	return true
end

-- Spans and tracks of selected regions; {} and {} where there are none. Raises a sentence.
local function of_regions (regions)
	local all, found, spans = audio_tracks (Session:get_tracks ()), {}, {}
	for region in regions:iter () do
		local track = track_of (region, all)
		if track then
			local id, start = id_of (track), region:position ():samples ()
			if not spans[id] then
				found[#found + 1], spans[id] = track, {}
			end
			table.insert (spans[id], { start = start, stop = start + region:length ():samples () })
		end
	end
	local first
	for _, track in ipairs (found) do
		local own = joined (spans[id_of (track)])
		first = first or own
		if not same (first, own) then
			error ("The selected regions differ from track to track. Select the same bars on each, or work on one track at a time.", 0)
		end
	end
	return first or {}, found
end

-- Spans { start, stop } in order, in samples, stop being the first sample after it, and the tracks. Raises a sentence that
-- says what to do.
function selection.read ()
	local selected = Editor:get_selection ()
	local spans, tracks = ranges (selected.time), nil
	if #spans > 0 then
		tracks = audio_tracks (selected.tracks:routelist ())
	else
		spans, tracks = of_regions (selected.regions:regionlist ())
	end
	if #spans == 0 or #tracks == 0 then error (SELECT, 0) end
	return spans, tracks
end

return selection

/** Notes each control as it gets the focus: where it lies, whether it can be seen there, and whether its focus shows. Returns how
 *  many controls there are; window.endTabbing() what was noted. */
() => {
    const noted = [], numbers = new Map();
    const number = (one) => {
        if (!numbers.has(one)) numbers.set(one, numbers.size + 1);
        return numbers.get(one);
    };
    const scrollerOf = (one) => {
        let at = one.parentElement;
        while (at && at !== document.body && at.scrollHeight <= at.clientHeight) at = at.parentElement;
        return at === document.body ? null : at;
    };
    const words = (one) => (one.ariaLabel || one.textContent || one.name || "").trim().slice(0, 40);
    const name = (one) => `${one.tagName.toLowerCase()}${one.id ? `#${one.id}` : ""} ${JSON.stringify(words(one))}`;
    const layer = (one) => (one.closest("#top") ? 0 : one.closest("#transport") ? 2 : one.closest("#notices") ? 3 : 1);
    const shows = (one) => {
        const marked = one.closest("label, .range, summary") ?? one;
        return [one, marked].some((each) => {
            const style = getComputedStyle(each);
            return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== "none";
        });
    };
    const note = (one) => {
        const box = one.getBoundingClientRect();
        const x = (Math.max(0, box.left) + Math.min(innerWidth, box.right)) / 2;
        const y = (Math.max(0, box.top) + Math.min(innerHeight, box.bottom)) / 2;
        const over = document.elementFromPoint(x, y);
        const covered = over && !one.contains(over) && !over.contains(one) && !one.labels?.length ? name(over) : "";
        const inside = box.width > 0 && box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight;
        const scroll = layer(one) === 1 && !one.closest("dialog") ? scrollY : 0;
        const scroller = scrollerOf(one);
        noted.push({
            number: number(one), name: name(one), inside, covered, shows: shows(one), layer: layer(one),
            left: box.left, top: box.top + scroll, bottom: box.bottom + scroll,
            scroller: scroller ? number(scroller) : 0, scrolled: scroller?.scrollTop ?? 0,
        });
    };
    const listen = (event) => note(event.target);
    document.addEventListener("focusin", listen);
    const top = [...document.querySelectorAll("dialog:modal, [role=dialog]:not([hidden])")].at(-1) ?? document.body;
    const focusable = "a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), summary, [tabindex='0']";
    const reachable = (one) => one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true }) && !one.closest("[inert]");
    const controls = () => [...top.querySelectorAll(focusable)].filter(reachable);
    const before = controls();
    window.endTabbing = () => {
        document.removeEventListener("focusin", listen);
        const after = controls();
        return { noted, changed: after.length !== before.length || after.some((one, at) => one !== before[at]) };
    };
    top.tabIndex = -1;
    top.focus({ preventScroll: true });
    top.removeAttribute("tabindex");
    noted.length = 0;
    return before.length;
}

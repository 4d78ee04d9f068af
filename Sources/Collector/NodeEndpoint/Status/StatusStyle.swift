/// The look of the built-in page: the palette of contracts/ux.md 4.6, dark and light by what the reader's system prefers.
enum StatusStyle {
    static let text = #"""
        :root{--bg:#0b0e13;--surface:#12161c;--raised:#1a2029;--text:#e6ebf2;--muted:#a3b0c0;--line:#2a3340;--control:#66758a;--accent:#5aa9ff;
        --ok:#4ac26b;--warn:#e3b341;--crit:#ff7b72;--cpu:#5aa9ff;--memory:#40c59b;--shadow:none}
        @media (prefers-color-scheme:light){:root{--bg:#f6f8fa;--surface:#fff;--raised:#fff;--text:#1b2430;--muted:#556170;--line:#d5dbe3;--control:#7d8a9a;
        --accent:#0b5fd0;--ok:#1a7f37;--warn:#8a5a00;--crit:#c11a22;--cpu:#0b5fd0;--memory:#0a796f;--shadow:0 1px 3px #1b243022}}
        @media (prefers-contrast:more){:root{--muted:var(--text);--line:var(--control)}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--bg);color:var(--text);font:14px/20px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;
        font-variant-numeric:tabular-nums}
        header,main,footer{max-width:1280px;margin:0 auto;padding:0 24px}
        header{display:flex;gap:16px;align-items:center;justify-content:space-between;padding-top:24px;padding-bottom:16px}
        h1{font-size:20px;line-height:28px;margin:0;overflow-wrap:anywhere}
        h2{font-size:13px;line-height:20px;margin:0;font-weight:600}
        p{margin:0}
        .muted{color:var(--muted);font-size:13px}
        .hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
        .skip{position:absolute;left:-9999px}
        .skip:focus{left:8px;top:8px;background:var(--raised);padding:8px;z-index:1}
        :focus-visible{outline:2px solid var(--accent);outline-offset:2px}
        .state{display:flex;gap:8px;align-items:center;white-space:nowrap;font-size:13px}
        .dot{width:8px;height:8px;border-radius:50%;background:var(--warn)}
        .state.live .dot{background:var(--ok)}
        .state.lost .dot{background:var(--crit);border-radius:0}
        .tiles{display:grid;grid-template-columns:repeat(7,1fr);gap:16px}
        .tile{display:flex;flex-direction:column;background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:12px 16px;box-shadow:var(--shadow);min-width:0;overflow:hidden}
        .wide{grid-column:span 2}
        .tile h2{color:var(--muted)}
        .value{font-size:28px;line-height:36px;font-weight:600;white-space:nowrap}
        .tile:not(.wide) .value{font-size:20px}
        .chart{height:48px;margin:auto -16px -12px;padding-top:8px;box-sizing:content-box}
        svg{display:block;width:100%;height:100%;overflow:hidden}
        polyline{fill:none;stroke:var(--cpu);stroke-width:1.5;vector-effect:non-scaling-stroke;stroke-linejoin:round}
        polygon{fill:var(--cpu);opacity:.16}
        .m polyline{stroke:var(--memory)} .m polygon{fill:var(--memory)}
        .disk{margin-top:8px;font-size:13px}
        .disk div{display:flex;justify-content:space-between;gap:8px}
        .disk span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
        .disk span:last-child{flex:none}
        meter{width:100%;height:8px;display:block;border:0;border-radius:4px;background:var(--line);appearance:none}
        meter::-webkit-meter-bar{background:var(--line);border:0;border-radius:4px;height:8px}
        meter::-webkit-meter-optimum-value{background:var(--accent);border-radius:4px}
        meter::-webkit-meter-suboptimum-value{background:var(--warn);border-radius:4px}
        meter::-webkit-meter-even-less-good-value{background:var(--crit);border-radius:4px}
        meter::-moz-meter-bar{background:var(--accent);border-radius:4px}
        #containers{margin-top:24px;background:var(--surface);border:1px solid var(--line);border-radius:8px;box-shadow:var(--shadow)}
        .bar{display:flex;flex-wrap:wrap;gap:8px 12px;align-items:center;padding:12px 16px;border-bottom:1px solid var(--line)}
        .bar h2{font-size:16px}
        .grow{flex:1}
        .check{font-size:13px;display:flex;gap:4px;align-items:center}
        input[type=search],select,button{font:inherit;font-size:13px;color:var(--text);background:var(--raised);border:1px solid var(--control);border-radius:4px;
        padding:3px 8px;height:28px}
        button{cursor:pointer}
        .scroll{overflow-x:auto}
        table{border-collapse:collapse;width:100%}
        th{font-size:12px;line-height:16px;color:var(--muted);font-weight:600;text-align:right;padding:8px 16px;white-space:nowrap}
        th:first-child,td:first-child{text-align:left}
        td{padding:6px 16px;text-align:right;border-top:1px solid var(--line);white-space:nowrap;height:44px}
        td:first-child{white-space:normal;overflow-wrap:anywhere;min-width:200px}
        .title{font-weight:600}
        .title a{color:inherit;text-decoration:none}
        .title a:hover{text-decoration:underline}
        .sub{color:var(--muted);font-size:12px;line-height:16px}
        .spark{width:140px;padding:4px 0}
        .spark div{width:140px;height:28px}
        .tag{display:inline-block;font-size:12px;line-height:16px;border:1px solid var(--crit);color:var(--crit);border-radius:4px;padding:0 4px;margin-left:8px;
        font-weight:400}
        .tag.warn{border-color:var(--warn);color:var(--warn)}
        .empty{padding:32px 16px;text-align:center;color:var(--muted)}
        footer{padding-top:24px;padding-bottom:32px;font-size:13px}
        footer a{margin-right:16px;display:inline-block}
        a{color:var(--accent)}
        @media (max-width:1000px){.tiles{grid-template-columns:repeat(6,1fr)}.wide{grid-column:span 3}.tile:not(.wide){grid-column:span 2}}
        @media (max-width:720px){
        header,main,footer{padding-left:12px;padding-right:12px}
        header{flex-wrap:wrap;gap:4px 16px}
        .tiles{grid-template-columns:1fr 1fr;gap:8px}.wide{grid-column:span 1}.tile:not(.wide){grid-column:span 1}#disks{grid-column:span 2!important}
        .value{font-size:20px;line-height:28px}
        .grow{flex-basis:100%;height:0}.find{flex:1}.find input{width:100%}
        thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
        table,tbody{display:block}
        tr{display:grid;grid-template-columns:1fr 1fr;border-top:1px solid var(--line);padding:8px 16px}
        td,td:first-child{display:block;border:0;padding:2px 0;height:auto;text-align:left;min-width:0}
        td:first-child{grid-column:span 2}
        td[data-label]::before{content:attr(data-label) " ";color:var(--muted);font-size:12px}
        td:empty{display:none}
        .spark,.spark div{width:auto}
        tr td:nth-child(2){order:1}tr td:nth-child(4){order:2}tr td:nth-child(3){order:3;padding-right:8px}tr td:nth-child(5){order:4}
        tr td:nth-child(6){order:5}tr td:nth-child(7){order:6}
        }
        @media (forced-colors:active){.dot{forced-color-adjust:none}polyline{stroke:CanvasText}}

        """#
}

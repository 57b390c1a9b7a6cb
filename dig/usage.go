package dig

const usage = `Usage:  dig [@server] [name] [type] [class] [-option...] [+option...]
            [name [@server] [type] [class] [-option...] [+option...] ...]

  @server   address or name of the server; default: those of /etc/resolv.conf
  name      what is asked about; type and class are A and IN unless they are given
  -4, -6    use IPv4 or IPv6 only              -b addr[#port]  send from there
  -p port   the server's port, 53              -q name         the name, certainly
  -t type   the type, certainly                -c class        the class, certainly
  -x addr   the name that belongs to addr      -u              times in microseconds
  -f file   more command lines                 -r              do not read ~/.digrc
  -y [algorithm:]name:secret, -k file          sign with TSIG; hmac-sha256 by default
  -h        this text                          -v              the version

  +[no]short, +[no]all, +[no]comments, +[no]question, +[no]answer, +[no]authority,
  +[no]additional, +[no]stats, +[no]cmd, +[no]ttlid, +[no]class, +[no]qr
  +[no]multiline, +[no]ttlunits, +[no]crypto, +[no]rrcomments, +split=n, +nosplit,
  +[no]onesoa, +[no]identify, +[no]expandaaaa, +[no]unknownformat, +[no]yaml, +[no]json
  +[no]trace, +[no]nssearch
  +[no]tls, +[no]tls-ca[=file], +[no]tls-hostname=name, +[no]tls-certfile=file, +[no]tls-keyfile=file
  +[no]https[=path], +[no]https-get[=path], +[no]http-plain[=path], +[no]http-plain-get[=path]
  +[no]tcp (+vc), +[no]keepopen, +[no]ignore, +[no]fail, +[no]besteffort, +timeout=s, +tries=n, +retry=n
  +[no]search, +[no]showsearch, +domain=name, +ndots=n, +[no]idnin, +[no]idnout, +[no]dns64prefix
  +[no]opcode=n, +[no]qid=n, +[no]header-only
  +[no]recurse, +[no]adflag, +[no]cdflag, +[no]aaflag, +[no]raflag, +[no]tcflag, +[no]zflag
  +[no]edns[=n], +bufsize[=n], +[no]dnssec, +[no]nsid, +[no]cookie[=hex],
  +[no]subnet=addr[/len], country, AS or host (+client), +geo=file, +[no]expire, +[no]keepalive, +padding=n,
  +[no]ednsflags[=n], +[no]ednsopt=code[:hex], +[no]ednsnegotiation, +[no]badcookie,
  +[no]showbadcookie`

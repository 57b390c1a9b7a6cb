; Places that serve, with the checks that say whether they are up.
$SITE  ber  at=52.5,13.4    check=https://{addr}/healthz fall=3 rise=2 match="all is well; truly"
$SITE  nyc  at=40.7,-74.0   check=https://{addr}/healthz
$SITE  sin  at=1.35,103.8   check=tcp:443                state=drain

$AT ber                                 ; what each of them serves
shop   60 A    203.0.113.80
shop   60 AAAA 2001:db8:b::80
media  60 A    203.0.113.81
$AT nyc
shop   60 A    198.51.100.80
       60 AAAA 2001:db8:a::80
media  60 A    198.51.100.81
$AT sin
shop   60 A    198.18.5.80
$AT *

$ROUTE shop ( de,at,ch=ber,nyc   us-ny=nyc,ber   as64500=sin
              192.0.2.0/24=ber   city:"Sao Paulo"=nyc
              net:partners+!de=sin
              *=nearest:3        pick=1  down=base )
$ROUTE media ( *=ber:9,nyc:1  sticky=/24,/48 ) ; a tenth goes to New York

$WHEN cn,hk                             ; one line, no sites
news   A 198.18.0.10
$WHEN *
@      ALIAS shop                       ; the apex goes where shop goes
$WHEN view:corp keep=TXT,AAAA
git    A 10.0.4.22
vpn    A 10.0.0.1
$WHEN *

$EXPECT shop A  from 192.0.2.200          = 203.0.113.80
$EXPECT shop A  from de down=ber          = 198.51.100.80
$EXPECT git  A  from 10.1.2.3 view=corp   = 10.0.4.22
$EXPECT shop A  scope<=24 prefixes<5000   ; so that no database makes caches burst
$EXPECT shop AAAA from as64500            = 2001:db8::80   ; sin has none: the zone's
$EXPECT media A from 198.51.100.0/24      = 203.0.113.81   ; one site for each network

$SITE ber at=52.5,13.4
$SITE nyc at=40.7,-74.0
$AT ber
www  60 A 203.0.113.80
$AT nyc
www  60 A 198.51.100.80
$AT *
$ROUTE www ( eu=ber,nyc  c:na=nyc,ber )
$EXPECT www A from 203.0.113.9 = 203.0.113.80
$EXPECT www A from 203.0.121.9 = 198.51.100.80
$EXPECT www A from 9.9.9.9 = 192.0.2.80

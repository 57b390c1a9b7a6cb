// Package worldmap draws marks on a map of the world, as SVG.
//
// The story in a few lines: a [Map] is marks at places on Earth, each of a group that has
// a colour and a name in the legend. [Map.WriteTo] draws it: longitude is x and latitude
// is y, nothing more (an equirectangular projection), so that who edits the drawing can
// reckon with it. The land is Natural Earth's map 1:110m, which is in the public domain
// (naturalearthdata.com); generate.go made land.bin of it. The page stands alone: it loads
// nothing, runs nothing, and says in a tooltip what each mark is.
//
// Standards: SVG 1.1. The colours are those of Okabe and Ito, which people who see few
// colours tell apart.
package worldmap
